"""Small real models with random weights, made in a second: the loading and decoding of them is the real thing."""

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    BartConfig,
    BartForSequenceClassification,
    BartTokenizer,
    BertConfig,
    BertForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from llamacli.builtin.chat.storage import QUANTIZATION, stored_weights

SPECIAL = ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' }}"
    "{{ m['content'] | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
TEXT = ["which command starts a chat", "안녕하세요, 저는 라마입니다", "llamacli ask hello 😀🦙", "one two three four"]

BART_SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]  # with the numbers that the real one gives the first four
NLI = ("contradiction", "neutral", "entailment")


def tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE with few merges, so that Korean and emoji are cut inside characters."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=330, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(TEXT, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=made, bos_token=SPECIAL[0], eos_token=SPECIAL[-1])
    fast.chat_template = TEMPLATE
    return fast


def save_llama(directory: Path, *, window: int = 4096, tied: bool = True, head_dim: int = 16) -> Path:
    """A Llama of two layers in `directory`."""
    torch.manual_seed(0)
    words = tokenizer()
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=head_dim,
        max_position_embeddings=window,
        tie_word_embeddings=tied,
        initializer_range=0.2,  # wide enough that the random answers vary
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(directory)
    words.save_pretrained(directory)
    return directory


def save_fp8_llama(directory: Path, *, dequantize: bool = True) -> Path:
    """The same, its linear weights in 8 bits, which transformers undoes at once or where a device lacks them."""
    model = LlamaForCausalLM.from_pretrained(save_llama(directory))
    model.save_pretrained(directory, state_dict=stored_weights(model))
    path = directory / "config.json"
    settings = json.loads(path.read_text())
    settings["quantization_config"] = {**QUANTIZATION, "dequantize": dequantize}
    path.write_text(json.dumps(settings))
    return directory


def save_bert(directory: Path, *, positions: int = 64) -> Path:
    """An encoder of two layers that rates low, medium and high, in `directory`."""
    torch.manual_seed(0)
    words = tokenizer()
    words.pad_token, words.model_max_length = SPECIAL[0], positions
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=positions,
        id2label={0: "low", 1: "medium", 2: "high"},
        label2id={"low": 0, "medium": 1, "high": 2},
        initializer_range=0.5,
        pad_token_id=words.pad_token_id,
    )
    BertForSequenceClassification(config).save_pretrained(directory)
    words.save_pretrained(directory)
    return directory


def save_bart(directory: Path, *, positions: int = 128, labels: tuple[str, ...] = NLI) -> Path:
    """An encoder and decoder of a layer each that answers premise and hypothesis, in `directory`."""
    torch.manual_seed(0)
    # The real tokenizer's class, with few merges.
    trained = json.loads(tokenizer().backend_tokenizer.to_str())["model"]
    vocabulary = {word: number for number, word in enumerate([*BART_SPECIAL, *list(trained["vocab"])[len(SPECIAL) :]])}
    merges: Any = [tuple(merge) for merge in trained["merges"]]
    words = BartTokenizer(vocab=vocabulary, merges=merges)
    words.model_max_length = positions
    config = BartConfig(
        vocab_size=len(words),
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=positions,
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
        init_std=0.5,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
        decoder_start_token_id=words.eos_token_id,
        forced_eos_token_id=None,
    )
    BartForSequenceClassification(config).save_pretrained(directory)
    words.save_pretrained(directory)
    return directory
