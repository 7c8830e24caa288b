from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from llamacli.builtin.chat.storage import in_blocks
from llamacli.builtin.chat.training import save
from tests.tiny import tokenizer


def test_a_block_is_as_exact_as_its_own_largest_weight_allows() -> None:
    torch.manual_seed(0)
    weight = torch.randn(64, 96)
    weight[:32, 64:] *= 1000
    weight[32:, :32] = 0
    eighths, factors = in_blocks(weight)
    assert (eighths.dtype, eighths.shape) == (torch.float8_e4m3fn, (64, 96))
    assert (factors.dtype, factors.shape) == (torch.float32, (2, 3))
    again = eighths.float() * factors.repeat_interleave(32, 0).repeat_interleave(32, 1)
    assert ((again - weight).abs() <= weight.abs() / 16 + factors.max() / 1024).all()  # half of 3 bits of mantissa
    assert (again[32:, :32] == 0).all()
    assert again[:32, 64:].abs().max() == pytest.approx(float(weight.abs().max()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_saved_is_half_as_large_and_loads_as_nearly_the_same(tmp_path: Path, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=330,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=2,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config).eval()
    save(model, tokenizer().backend_tokenizer, tmp_path)
    stored = load_file(tmp_path / "model.safetensors")
    up = "model.layers.1.mlp.up_proj.weight"
    assert (stored[up].dtype, stored[f"{up}_scale_inv"].shape) == (torch.float8_e4m3fn, (3, 2))
    assert stored["model.embed_tokens.weight"].dtype == stored["model.norm.weight"].dtype == torch.float16
    assert "lm_head.weight" not in stored
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path)
    torch.nn.Module.to(loaded, dtype)
    assert AutoTokenizer.from_pretrained(tmp_path).bos_token == "<|begin_of_text|>"
    with torch.inference_mode():
        ids = torch.arange(1, 60)[None]
        exact, near = model(ids).logits, loaded(ids).logits
    assert near.dtype == dtype
    assert (near.float() - exact).norm() < 0.05 * exact.norm()
