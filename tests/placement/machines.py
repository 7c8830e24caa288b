"""The machines and models that the tables speak of."""

from dataclasses import replace

from llamacli.placement import Gpu, Machine, ModelShape, shape_from_config

RAM = 32_000


def card(index: int, name: str, capability: tuple[int, int], total: int, free: int) -> Gpu:
    return Gpu(index, name, capability, total, free)


def machine(*gpus: Gpu, ram: int = RAM, mps: bool = False) -> Machine:
    """A machine whose cards are numbered in the order given."""
    return Machine(tuple(replace(gpu, index=index) for index, gpu in enumerate(gpus)), ram, mps)


RTX_2080 = card(0, "RTX 2080", (7, 5), 7_982, 7_600)
GTX_1050 = card(0, "GTX 1050", (6, 1), 2_000, 1_950)
OLD_1050 = replace(GTX_1050, supported=False, free_mib=2_000)  # as a CUDA 13 build of torch sees it
RTX_3060 = card(0, "RTX 3060", (8, 6), 12_288, 11_900)
RTX_4090 = card(0, "RTX 4090", (8, 9), 24_564, 23_900)
BUSY_4090 = replace(RTX_4090, free_mib=900)
H100 = card(0, "H100", (9, 0), 81_559, 81_000)

LLAMA_8B_CONFIG: dict[str, object] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "tie_word_embeddings": False,
    "dtype": "bfloat16",
}
BART_CONFIG: dict[str, object] = {
    "architectures": ["BartForSequenceClassification"],
    "model_type": "bart",
    "d_model": 1024,
    "encoder_layers": 12,
    "decoder_layers": 12,
    "encoder_ffn_dim": 4096,
    "decoder_ffn_dim": 4096,
    "vocab_size": 50265,
    "max_position_embeddings": 1024,
}


def decoder(name: str, **changes: object) -> ModelShape:
    return shape_from_config({**LLAMA_8B_CONFIG, **changes}, name)


LLAMA_70B = decoder(
    "llama-70b", hidden_size=8192, intermediate_size=28672, num_hidden_layers=80, num_attention_heads=64
)
MISTRAL_7B = decoder("mistral-7b", vocab_size=32768, max_position_embeddings=32768)
TINY = decoder(
    "builtin",
    hidden_size=384,
    intermediate_size=1024,
    num_hidden_layers=8,
    num_attention_heads=6,
    num_key_value_heads=2,
    vocab_size=8192,
    max_position_embeddings=1024,
    tie_word_embeddings=True,
)
