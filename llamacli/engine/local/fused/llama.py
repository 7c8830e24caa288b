"""The forward pass of one token through a Llama whose matrices are in nf4."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from llamacli.engine.local.fused.kernels import THREADS, Argument, Kernels

# Measured on an H200 with matrices of Llama 3.1 8B, with 2, 4 and 8 rows and 1, 2, 4 and 8 shares: more rows leave
# too few warps, more shares have each warp wait for the input to do little with it.
ROWS = 2
"""Rows of a matrix that a warp multiplies at once, so that the input is unpacked once for all of them."""
SHARES = {"project": 1, "attended": 1, "activate": 1, "activated": 2}
"""Warps that share the columns of a row, by kernel."""
SPLITS = 32
"""Blocks that share the positions of one key head."""
WARPS = THREADS // 32
CHUNK = 1024
"""Columns that a warp reads at once, as in the source."""


@dataclass(frozen=True)
class _Shape:
    hidden: int
    inner: int
    head: int
    query_heads: int
    key_heads: int


class FusedStep:
    """One token through the model: `step(token, position, cache)` gives its logits [vocabulary].

    Reads and writes the keys and values of a `StaticCache` whose layers are as the model made them, at `position`
    [1, 1], and leaves the lengths that the layers keep as they are. It only touches buffers that stay in place.
    """

    name = "fused kernels"

    def __init__(self, model: Any) -> None:
        config = model.config
        first = model.model.layers[0]
        self._model = model
        self._shape = _Shape(
            config.hidden_size,
            config.intermediate_size,
            first.self_attn.head_dim,
            config.num_attention_heads,
            config.num_key_value_heads,
        )
        state = first.self_attn.q_proj.weight.quant_state
        self._tables: tuple[Tensor, Tensor] = (state.code, state.state2.code)
        self._kernels = Kernels(self._definitions(model.dtype), model.device)
        self._buffers(model.dtype, model.device)

    def _definitions(self, dtype: torch.dtype) -> dict[str, int]:
        shape = self._shape
        definitions = {f"SHARES_{name.upper()}": count for name, count in SHARES.items()}
        definitions |= {"HEAD_DIM": shape.head, "GROUP": shape.query_heads // shape.key_heads}
        definitions |= {"ROWS": ROWS, "SPLITS": SPLITS}
        return definitions | ({"BF16": 1} if dtype == torch.bfloat16 else {})

    def _buffers(self, dtype: torch.dtype, device: torch.device) -> None:
        shape = self._shape
        projected = (shape.query_heads + 2 * shape.key_heads) * shape.head
        self._hidden = torch.empty(shape.hidden, dtype=dtype, device=device)
        self._projected = torch.empty(projected, dtype=dtype, device=device)
        self._attended = torch.empty(shape.query_heads * shape.head, dtype=dtype, device=device)
        self._activated = torch.empty(shape.inner, dtype=dtype, device=device)
        self._partials = torch.empty(shape.query_heads * SPLITS * (shape.head + 2), device=device)
        self._done = torch.zeros(shape.key_heads, dtype=torch.int32, device=device)

    def __call__(self, token: Tensor, position: Tensor, cache: Any) -> Tensor:
        """The logits [vocabulary] after `token` [1, 1] at `position` [1, 1]."""
        inner = self._model.model
        self._hidden.copy_(inner.embed_tokens(token)[0, 0])
        cosine, sine = inner.rotary_emb(self._hidden, position_ids=position)
        for layer, kept in zip(inner.layers, cache.layers, strict=True):
            self._layer(layer, kept, cosine, sine, position)
        logits: Tensor = self._model.lm_head(inner.norm(self._hidden))
        return logits

    def _layer(self, layer: Any, kept: Any, cosine: Tensor, sine: Tensor, position: Tensor) -> None:
        shape, attention, mlp = self._shape, layer.self_attn, layer.mlp
        queries, keys = shape.query_heads * shape.head, shape.key_heads * shape.head
        self._multiply(
            "project",
            queries + 2 * keys,
            shape.hidden,
            (attention.q_proj, attention.k_proj, attention.v_proj),
            (self._hidden, *_norm(layer.input_layernorm), shape.hidden, queries, keys, self._projected),
        )
        self._kernels.launch(
            "attend",
            (shape.key_heads, SPLITS),
            0,
            (
                *(self._projected, cosine, sine, kept.keys, kept.values, position, kept.max_cache_len),
                *(float(attention.scaling), self._partials, self._done, self._attended),
            ),
        )
        self._add("attended", attention.o_proj, self._attended, queries)
        self._multiply(
            "activate",
            2 * shape.inner,
            shape.hidden,
            (mlp.gate_proj, mlp.up_proj),
            (self._hidden, *_norm(layer.post_attention_layernorm), shape.hidden, shape.inner, self._activated),
        )
        self._add("activated", mlp.down_proj, self._activated, shape.inner)

    def _add(self, name: str, matrix: nn.Module, given: Tensor, columns: int) -> None:
        rows = self._shape.hidden
        self._multiply(name, rows, columns, (matrix,), (given, columns, rows, self._hidden))

    def _multiply(
        self, name: str, rows: int, columns: int, matrices: tuple[nn.Module, ...], rest: tuple[Argument, ...]
    ) -> None:
        """Launch a kernel that multiplies so many rows, of so many columns, by the vector of the columns."""
        blocks = -(-rows // (WARPS // SHARES[name] * ROWS))
        staged = -(-columns // CHUNK) * CHUNK * self._hidden.element_size()
        given = [argument for matrix in matrices for argument in _packed(matrix)]
        kernel = name if name in ("project", "activate") else f"add_{name}"
        self._kernels.launch(kernel, (blocks, 1), staged, (*given, *self._tables, *rest))


def fused_step(model: Any) -> FusedStep | None:
    """The fused step of a model that is as the kernels need it, or None."""
    if model.device.type != "cuda" or not _fits(model):
        return None
    try:
        return FusedStep(model)
    except (ImportError, RuntimeError):  # no compiler library, or one that does not know the card
        return None


def _fits(model: Any) -> bool:
    if type(model).__name__ != "LlamaForCausalLM" or model.config.hidden_act != "silu":
        return False
    linears = [module for module in model.model.layers.modules() if isinstance(module, nn.Linear)]
    states = [getattr(linear.weight, "quant_state", None) for linear in linears]
    head = model.model.layers[0].self_attn.head_dim
    group = model.config.num_attention_heads / model.config.num_key_value_heads
    return (
        model.dtype in (torch.float16, torch.bfloat16)
        and head in (64, 128)
        and group in (1, 2, 3, 4, 5, 6, 7, 8)
        and all(_is_nf4(state) for state in states)
        and all(linear.bias is None and linear.weight.data_ptr() % 16 == 0 for linear in linears)
        and all(linear.in_features % 32 == 0 and linear.out_features % ROWS == 0 for linear in linears)
    )


def _is_nf4(state: Any) -> bool:
    nested = getattr(state, "state2", None)
    return nested is not None and (state.quant_type, state.blocksize, nested.blocksize) == ("nf4", 64, 256)


def _packed(matrix: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    state = matrix.weight.quant_state
    return matrix.weight.data, state.absmax, state.state2.absmax, state.offset


def _norm(module: Any) -> tuple[Tensor, float]:
    return module.weight.data, float(module.variance_epsilon)
