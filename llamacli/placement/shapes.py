"""What a model weighs: parameters by the way they are stored, and the memory of its context."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

from llamacli.errors import BrokenModel
from llamacli.placement.machine import Dtype

Quantization = Literal["none", "8bit", "4bit"]
Config = Mapping[str, object]

MIB = 1024 * 1024
CONTEXT_STEP = 256
# nf4, double quantization: half a byte, an 8-bit scale per block of 64, a 32-bit scale per 256 of those.
_NF4_BYTES = 1 / 2 + 1 / 64 + 4 / (64 * 256)
_INT8_BYTES = 1.0  # and one scale per output row, under a thousandth
_UNGATED = {"gpt2", "gpt_bigcode", "gpt_neox", "gptj", "opt", "bloom", "falcon", "phi", "starcoder2"}


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The parameters of a model, and the context that it was made for.

    `linear` are the weights inside the layers that bitsandbytes quantizes; `other` what the layers keep in 16
    bits (norms, biases, a mixture's experts); `embeddings` the token table and, unless `tied`, the output head.
    """

    name: str
    linear: int
    other: int
    embeddings: int
    layers: int
    kv_bytes_per_token: int  # in a 16-bit type, all layers
    work_bytes_per_token: int  # what attention copies of the context while one layer runs: to all heads, and longer
    max_context: int
    tied: bool = False
    blocks: bool = True  # whether rows are whole blocks of 64 weights, as 4-bit quantization needs
    asks_4bit: bool = False  # a preset that is meant to run in 4-bit on any CUDA card
    comes_in: Quantization | None = None  # of a model that comes quantized: what it is in memory

    @property
    def parameters(self) -> int:
        """All of them."""
        return self.linear + self.other + self.embeddings

    def weights_mib(self, dtype: Dtype, quantization: Quantization = "none") -> int:
        """The weights in memory, in MiB."""
        return ceil(self.layers_mib(dtype, quantization) + self.embeddings_mib(dtype))

    def layers_mib(self, dtype: Dtype, quantization: Quantization) -> float:
        """The layers alone, without embeddings and head, in MiB."""
        width = _width(dtype)
        linear = {"none": float(width), "8bit": _INT8_BYTES, "4bit": _NF4_BYTES}[quantization]
        return (self.linear * linear + self.other * width) / MIB

    def embeddings_mib(self, dtype: Dtype) -> float:
        """Embeddings and head in MiB: quantization leaves them as they are."""
        return self.embeddings * _width(dtype) / MIB

    def kv_mib(self, tokens: int, dtype: Dtype) -> float:
        """The keys and values of so many tokens, in MiB."""
        return tokens * self.kv_bytes_per_token * _width(dtype) / 2 / MIB

    def work_mib(self, tokens: int, dtype: Dtype) -> float:
        """What each device copies of a context of so many tokens while it computes, in MiB."""
        return tokens * self.work_bytes_per_token * _width(dtype) / 2 / MIB

    def least_context(self, wanted: int) -> int:
        """`wanted` tokens, or all that the model was made for where that is less."""
        return min(wanted, self.max_context)

    def context_in(self, room_mib: float, dtype: Dtype) -> int:
        """How many tokens fit into so much memory beside the weights, in steps of 256."""
        if room_mib < 0 or self.kv_bytes_per_token == 0:
            return self.max_context if room_mib >= 0 else 0
        tokens = int(room_mib / (self.kv_mib(1, dtype) + self.work_mib(1, dtype)))
        return self.least_context(tokens // CONTEXT_STEP * CONTEXT_STEP)


def _width(dtype: Dtype) -> int:
    return 4 if dtype == "float32" else 2


def shape_from_config(config: Config, name: str, *, weights_bytes: int | None = None) -> ModelShape:
    """The shape of a model from its `config.json`: exact to a thousandth for decoders like Llama.

    The size of its weight files, where known, settles what the arithmetic does not know (biases, unusual
    layers). Raises BrokenModel where neither says how large the model is.
    """
    text = config.get("text_config")
    parts = text if isinstance(text, Mapping) else config
    shape = _encoder(parts, name) if _is_encoder(config) else _decoder(parts, name)
    if weights_bytes is not None and "quantization_config" not in config:
        stored = str(config.get("dtype") or config.get("torch_dtype") or "float16")
        parameters = weights_bytes // (4 if stored.endswith("float32") else 2)
        shape = _with_parameters(shape, parameters) if shape else _unknown(parts, name, parameters)
    if shape is None:
        raise BrokenModel(
            f"Cannot tell how large {name} is.",
            reason="Its config.json does not say it and it has no weight files.",
            hint="Choose another model with --model.",
        )
    return replace(shape, comes_in=_comes_in(config))


def _comes_in(config: Config) -> Quantization | None:
    """What is in memory of a model that comes quantized; "none" for FP8, which is undone where a device lacks it."""
    stored = config.get("quantization_config")
    if not isinstance(stored, Mapping):
        return None
    if stored.get("load_in_4bit") or stored.get("bits") == 4:
        return "4bit"
    return "8bit" if stored.get("load_in_8bit") or stored.get("bits") == 8 else "none"


def _number(config: Config, *keys: str) -> int:
    """The first of these keys that holds a number, else 0."""
    return next((value for key in keys if isinstance(value := config.get(key), int)), 0)


def _is_encoder(config: Config) -> bool:
    named = config.get("architectures")
    architectures = named if isinstance(named, list) else []
    return "encoder_layers" in config or any("SequenceClassification" in str(each) for each in architectures)


def _decoder(config: Config, name: str) -> ModelShape | None:
    """A decoder of attention with grouped keys and values, and a gated or plain two-layer perceptron."""
    hidden = _number(config, "hidden_size", "n_embd")
    layers = _number(config, "num_hidden_layers", "n_layer")
    heads = _number(config, "num_attention_heads", "n_head")
    vocabulary = _number(config, "vocab_size")
    if not (hidden and layers and heads and vocabulary):
        return None
    head = _number(config, "head_dim") or hidden // heads
    kv = (_number(config, "num_key_value_heads") or heads) * head
    matrices = 2 if config.get("model_type") in _UNGATED else 3
    experts = _number(config, "num_local_experts", "num_experts")
    inner = _number(config, "intermediate_size", "n_inner") or 4 * hidden
    inner = _number(config, "moe_intermediate_size") or inner if experts else inner
    attention, perceptron = hidden * (2 * heads * head + 2 * kv), matrices * hidden * inner
    tied = config.get("tie_word_embeddings") is True
    return ModelShape(
        name,
        linear=layers * (attention + (0 if experts else perceptron)),
        # transformers stacks experts in one tensor, which bitsandbytes leaves in 16 bits
        other=layers * (2 * hidden + experts * perceptron) + hidden,
        embeddings=vocabulary * hidden * (1 if tied else 2),
        layers=layers,
        kv_bytes_per_token=layers * 2 * kv * 2,
        work_bytes_per_token=2 * (heads * head + kv) * 2,
        max_context=_number(config, "max_position_embeddings", "n_positions") or 2048,
        tied=tied,
        blocks=all(width % 64 == 0 for width in (hidden, inner, heads * head)),
    )


def _encoder(config: Config, name: str) -> ModelShape | None:
    """An encoder like BERT, or an encoder and decoder like BART, with a classification head."""
    hidden = _number(config, "d_model", "hidden_size")
    encoders = _number(config, "encoder_layers", "num_hidden_layers")
    decoders = _number(config, "decoder_layers")
    inner = _number(config, "encoder_ffn_dim", "intermediate_size") or 4 * hidden
    positions = _number(config, "max_position_embeddings")
    if not (hidden and encoders):
        return None
    attention, norm = 4 * (hidden * hidden + hidden), 2 * hidden
    perceptron = 2 * hidden * inner + hidden + inner
    layers = encoders * (attention + perceptron + 2 * norm) + decoders * (2 * attention + perceptron + 3 * norm)
    tables = 2 if decoders else 1
    rows = _number(config, "vocab_size") + tables * positions + _number(config, "type_vocab_size")
    return ModelShape(
        name,
        linear=0,  # an encoder that only classifies is never worth quantizing
        other=layers + tables * norm + hidden * hidden,
        embeddings=rows * hidden,
        layers=encoders + decoders,
        kv_bytes_per_token=0,
        work_bytes_per_token=0,
        max_context=positions or 512,
        tied=True,
    )


def _with_parameters(shape: ModelShape, parameters: int) -> ModelShape:
    """Corrected to a known total: too many are of the kind that is not quantized, too few are linear ones."""
    missing = parameters - shape.parameters
    if missing >= 0:
        return replace(shape, other=shape.other + missing)
    linear = max(0, shape.linear + missing)
    other = max(0, shape.other + min(0, shape.linear + missing))
    return replace(shape, linear=linear, other=other, embeddings=parameters - linear - other)


def _unknown(config: Config, name: str, parameters: int) -> ModelShape:
    """A model known by its size alone; a token is taken to weigh what it does in Llama 2 7B, a heavy one."""
    context = _number(config, "max_position_embeddings", "n_positions") or 2048
    kv = parameters // 12_500
    return ModelShape(name, 0, parameters, 0, 1, kv, kv // 16, context, tied=True)


LLAMA_3_1_8B = ModelShape(
    "llama-3.1-8b",
    linear=6_979_321_856,
    other=266_240,
    embeddings=1_050_673_152,
    layers=32,
    kv_bytes_per_token=131_072,
    work_bytes_per_token=20_480,
    max_context=131_072,
    asks_4bit=True,
)
BART_LARGE_MNLI = ModelShape(
    "facebook/bart-large-mnli",
    linear=0,
    other=353_767_424,
    embeddings=53_568_512,
    layers=24,
    kv_bytes_per_token=0,
    work_bytes_per_token=0,
    max_context=1024,
    tied=True,
)
