import pytest

from llamacli.errors import BrokenModel
from llamacli.placement import BART_LARGE_MNLI, LLAMA_3_1_8B, shape_from_config
from llamacli.placement.shapes import ModelShape
from tests.placement.machines import BART_CONFIG, LLAMA_8B_CONFIG, decoder

QWEN_3_0_6B = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 151936,
    "max_position_embeddings": 40960,
    "tie_word_embeddings": True,
}
QWEN_2_5_0_5B = {
    "model_type": "qwen2",
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "vocab_size": 151936,
    "tie_word_embeddings": True,
}
MISTRAL_7B = {**LLAMA_8B_CONFIG, "model_type": "mistral", "vocab_size": 32768}
GPT_2 = {"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257, "n_positions": 1024}
BERT = {
    "architectures": ["BertForSequenceClassification"],
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "vocab_size": 30522,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
}
ROBERTA_LARGE = {
    **BERT,
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "vocab_size": 50265,
    "max_position_embeddings": 514,
    "type_vocab_size": 1,
}


# The counts are what transformers 5.23 builds from these configurations.
@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        (LLAMA_8B_CONFIG, 8_030_261_248),
        (MISTRAL_7B, 7_248_023_552),
        (QWEN_3_0_6B, 596_049_920),
        (QWEN_2_5_0_5B, 494_032_768),
        (BART_CONFIG, 407_344_131),
        (BERT, 109_484_547),
        (ROBERTA_LARGE, 355_362_819),
    ],
)
def test_parameters_follow_from_the_config_to_a_thousandth(config: dict[str, object], parameters: int) -> None:
    assert shape_from_config(config, "model").parameters == pytest.approx(parameters, rel=1e-3)


def test_the_known_shapes_are_those_of_their_configs() -> None:
    llama = shape_from_config(LLAMA_8B_CONFIG, LLAMA_3_1_8B.name)
    assert (llama.linear, llama.other, llama.embeddings) == (6_979_321_856, 266_240, 1_050_673_152)
    assert {**_fields(llama), "asks_4bit": True} == _fields(LLAMA_3_1_8B)
    assert shape_from_config(BART_CONFIG, BART_LARGE_MNLI.name) == BART_LARGE_MNLI


def _fields(shape: ModelShape) -> dict[str, object]:
    return {name: getattr(shape, name) for name in ModelShape.__slots__}


def test_what_llama_8b_weighs() -> None:
    layers = LLAMA_3_1_8B.layers_mib("float16", "4bit")
    assert layers == pytest.approx(3_328 + 105.6 + 0.5, abs=0.1)  # payload, scales, norms
    assert LLAMA_3_1_8B.embeddings_mib("float16") == 2 * 1_002
    assert LLAMA_3_1_8B.weights_mib("float16", "4bit") == 5_439  # rounded up
    assert LLAMA_3_1_8B.weights_mib("float16", "8bit") == 8_661
    assert LLAMA_3_1_8B.weights_mib("bfloat16") == 15_317
    assert LLAMA_3_1_8B.weights_mib("float32") == 30_634
    assert LLAMA_3_1_8B.kv_mib(1_000, "float16") == 125
    assert LLAMA_3_1_8B.kv_mib(1_000, "float32") == 250
    assert LLAMA_3_1_8B.work_mib(8_192, "float16") == 128 + 32  # 32 heads of keys and values, and 8 grown by a token


def test_what_bart_weighs() -> None:
    assert BART_LARGE_MNLI.weights_mib("float32") == 1_554
    assert BART_LARGE_MNLI.weights_mib("float16") == 777


def test_head_dim_and_grouped_heads_set_the_cost_of_a_token() -> None:
    assert shape_from_config(QWEN_3_0_6B, "qwen").kv_bytes_per_token == 28 * 2 * 8 * 128 * 2


def test_a_mixture_keeps_its_experts_in_16_bits() -> None:
    dense = decoder("dense")
    mixture = decoder("mixture", num_local_experts=8)
    perceptrons = 32 * 3 * 4096 * 14336
    assert mixture.linear == dense.linear - perceptrons
    assert mixture.other == dense.other + 8 * perceptrons


def test_a_model_that_also_sees_has_its_text_part_counted() -> None:
    assert shape_from_config({"text_config": LLAMA_8B_CONFIG}, "m").linear == LLAMA_3_1_8B.linear


def test_the_files_settle_the_total() -> None:
    assert shape_from_config(GPT_2, "gpt2", weights_bytes=2 * 124_439_808).parameters == 124_439_808
    larger = shape_from_config(LLAMA_8B_CONFIG, "m", weights_bytes=2 * 9_000_000_000)
    assert (larger.parameters, larger.linear) == (9_000_000_000, LLAMA_3_1_8B.linear)
    in_float32 = {**LLAMA_8B_CONFIG, "dtype": "float32"}
    assert shape_from_config(in_float32, "m", weights_bytes=4 * 8_030_261_248).linear == LLAMA_3_1_8B.linear
    far_smaller = shape_from_config(LLAMA_8B_CONFIG, "m", weights_bytes=2_000)
    assert (far_smaller.parameters, far_smaller.linear) == (1_000, 0)


def test_the_files_of_a_quantized_checkpoint_say_nothing_of_its_parameters() -> None:
    config = {**LLAMA_8B_CONFIG, "quantization_config": {"load_in_4bit": True}}
    assert shape_from_config(config, "m", weights_bytes=5_702_000_000).parameters == LLAMA_3_1_8B.parameters


@pytest.mark.parametrize(
    ("stored", "comes_in"),
    [
        ({"quant_method": "bitsandbytes", "load_in_4bit": True, "load_in_8bit": False}, "4bit"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": False, "load_in_8bit": True}, "8bit"),
        ({"quant_method": "awq", "bits": 4}, "4bit"),
        ({"quant_method": "gptq", "bits": 8}, "8bit"),
        ({"quant_method": "fp8", "dequantize": True}, "none"),
        (None, None),
    ],
)
def test_what_a_model_comes_in_is_told_by_its_config(stored: object, comes_in: str | None) -> None:
    shape = shape_from_config({**LLAMA_8B_CONFIG, "quantization_config": stored}, "m")
    assert shape.comes_in == comes_in


def test_an_unknown_architecture_is_known_by_its_files() -> None:
    shape = shape_from_config({"model_type": "odd", "dtype": "bfloat16"}, "odd", weights_bytes=2 * 6_738_415_616)
    assert shape.parameters == 6_738_415_616
    assert shape.kv_bytes_per_token == pytest.approx(32 * 2 * 4096 * 2, rel=0.05)  # Llama 2 7B
    with pytest.raises(BrokenModel, match="how large odd is"):
        shape_from_config({"model_type": "odd"}, "odd")
