"""A decoded token through a small Llama on the CPU, without what transformers does around each product.

Of 13 ms for a token of a model of 17.5 million weights, the products of its matrices take 7, which is as fast as two
cores read them from memory. The rest goes into deciding again, layer by layer, what never changes: 8 to 9 ms without.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from llamacli.engine.local.decode import SMALL


class DirectStep:
    """One token through the model: `step(token, position, cache)` gives its logits [vocabulary].

    Matrices that multiply the same vector are joined to one, of which the model's own are parts from then on. Reads and
    writes the keys and values of a `StaticCache` whose layers are as the model made them, at `position` [1, 1], and
    leaves the lengths that the layers keep as they are.
    """

    name = "direct"

    def __init__(self, model: Any) -> None:
        self._model = model
        self._layers = [_Layer(layer, model.config) for layer in model.model.layers]

    def __call__(self, token: Tensor, position: Tensor, cache: Any) -> Tensor:
        """The logits [vocabulary] after `token` [1, 1] at `position` [1, 1]."""
        inner = self._model.model
        hidden: Tensor = inner.embed_tokens(token)[0]
        turn = tuple(each[0] for each in inner.rotary_emb(hidden, position_ids=position))
        place = int(position)
        for layer, kept in zip(self._layers, cache.layers, strict=True):
            hidden = hidden + layer.attended(hidden, turn, kept, place)
            hidden = hidden + layer.activated(hidden)
        logits: Tensor = self._model.lm_head(_normed(inner.norm, hidden))
        return logits[0]


class _Layer:
    def __init__(self, layer: Any, config: Any) -> None:
        self._layer = layer
        self._queries: int = config.num_attention_heads
        self._turned = self._queries + config.num_key_value_heads
        attention, mlp = layer.self_attn, layer.mlp
        self._projection = _joined(attention.q_proj, attention.k_proj, attention.v_proj)
        self._gate_and_up = _joined(mlp.gate_proj, mlp.up_proj)

    def attended(self, hidden: Tensor, turn: tuple[Tensor, ...], kept: Any, place: int) -> Tensor:
        """What attention adds to `hidden` [1, hidden] at `place`; its key and value are kept."""
        attention = self._layer.self_attn
        given = _normed(self._layer.input_layernorm, hidden)
        heads = functional.linear(given, self._projection).view(1, -1, 1, attention.head_dim)
        turned = _rotated(heads[:, : self._turned], *turn)
        kept.keys[:, :, place : place + 1] = turned[:, self._queries :]
        kept.values[:, :, place : place + 1] = heads[:, self._turned :]
        read = functional.scaled_dot_product_attention(
            turned[:, : self._queries],
            kept.keys[:, :, : place + 1],
            kept.values[:, :, : place + 1],
            scale=attention.scaling,
            enable_gqa=True,
        )
        return functional.linear(read.view(1, -1), attention.o_proj.weight)

    def activated(self, hidden: Tensor) -> Tensor:
        """What the multilayer perceptron adds to `hidden` [1, hidden]."""
        given = _normed(self._layer.post_attention_layernorm, hidden)
        gate, up = functional.linear(given, self._gate_and_up).chunk(2, dim=-1)
        return functional.linear(functional.silu(gate) * up, self._layer.mlp.down_proj.weight)


def direct_step(model: Any) -> DirectStep | None:
    """The direct step of a small Llama in 32 bits on the CPU, or None: where weights are many, nothing else counts."""
    return DirectStep(model) if _fits(model) else None


def _fits(model: Any) -> bool:
    if type(model).__name__ != "LlamaForCausalLM" or model.config.hidden_act != "silu":
        return False
    linears = [module for module in model.model.layers.modules() if isinstance(module, nn.Linear)]
    return (
        model.device.type == "cpu"
        and model.num_parameters() < SMALL
        and all(type(module) is nn.Linear and module.bias is None for module in linears)
        and all(weight.dtype == torch.float32 for weight in model.parameters())
    )


def _joined(*matrices: nn.Linear) -> Tensor:
    """The rows of all the matrices, which become parts of it, so that no weight is there twice."""
    joined = torch.cat([matrix.weight.data for matrix in matrices])
    parts = torch.split(joined, [matrix.out_features for matrix in matrices])
    for matrix, part in zip(matrices, parts, strict=True):
        matrix.weight.data = part
    return joined


def _normed(norm: Any, hidden: Tensor) -> Tensor:
    return functional.rms_norm(hidden, norm.weight.shape, norm.weight, norm.variance_epsilon)


def _rotated(heads: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """The rotary embedding, with the halves of a head as transformers orders them."""
    first, second = heads.chunk(2, dim=-1)
    return heads * cosine + torch.cat((-second, first), dim=-1) * sine
