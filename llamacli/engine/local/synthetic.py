"""Models of a known shape with random weights: speed and memory do not depend on what the weights say.

So a person learns what a card will do before downloading 16 GB.
"""

from copy import copy
from threading import Lock
from typing import Any

import torch
from tokenizers.processors import TemplateProcessing
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BartConfig,
    GenerationConfig,
    LlamaConfig,
)

from llamacli import builtin
from llamacli.engine import Report, Wanted
from llamacli.engine.base import EngineInfo
from llamacli.engine.local.entailment import EntailmentClassifier
from llamacli.engine.local.failures import translated
from llamacli.engine.local.generation import LocalEngine
from llamacli.engine.local.hardware import detect
from llamacli.engine.local.random_weights import random_model
from llamacli.engine.local.rehearsal import rehearse
from llamacli.engine.local.static import decoder_for
from llamacli.errors import UnknownModel
from llamacli.events import LoadProgress, Notice
from llamacli.placement import BART_LARGE_MNLI, LLAMA_3_1_8B, Wishes, plan
from llamacli.settings import Settings

LLAMA = LlamaConfig(
    vocab_size=128_256,
    hidden_size=4096,
    intermediate_size=14_336,
    num_hidden_layers=32,
    num_attention_heads=32,
    num_key_value_heads=8,
    max_position_embeddings=131_072,
    rms_norm_eps=1e-5,
    rope_parameters={
        "rope_type": "llama3",
        "rope_theta": 500_000.0,
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    },
    bos_token_id=128_000,
    eos_token_id=None,
    tie_word_embeddings=False,
)
"""The shape of meta-llama/Llama-3.1-8B-Instruct."""
BART = BartConfig(
    id2label={0: "contradiction", 1: "neutral", 2: "entailment"},
    label2id={"contradiction": 0, "neutral": 1, "entailment": 2},
)
"""The shape of facebook/bart-large-mnli, which is the configuration's default."""
NAME = "llama-3.1-8b"
# Empty weights are made by replacing a method of all modules for a while.
_one_at_a_time = Lock()


class SyntheticLoader:
    """Stands in for `Loader`: the same placement, random weights, the tokenizers of the built-in models."""

    def __init__(self, name: str, settings: Settings, wanted: Wanted, report: Report) -> None:
        if name != NAME:
            raise UnknownModel(f"There is no synthetic {name}.", hint=f"llamacli bench --synthetic {NAME}")
        self._report = report
        self._sampling = settings.sampling
        self._placement = plan(
            detect(),
            LLAMA_3_1_8B,
            BART_LARGE_MNLI if wanted.classifier else None,
            Wishes(settings.device, settings.classifier_device, settings.quantization),
        )
        for notice in self._placement.notices:
            report(Notice(notice))

    def engine(self) -> LocalEngine:
        """A model of Llama 3.1 8B's shape."""
        self._report(LoadProgress("model", f"making a synthetic {NAME}"))
        place = self._placement.model
        with translated(), _one_at_a_time, torch.inference_mode():
            rehearse(LLAMA, place)
            model = random_model(LLAMA, place.device, getattr(torch, place.dtype), place.quantization)
        model.generation_config = GenerationConfig(pad_token_id=0)
        info = EngineInfo(
            f"synthetic {NAME}",
            place.context,
            place.device,
            place.dtype,
            place.quantization,
            self._placement.reason,
        )
        tokenizer = AutoTokenizer.from_pretrained(builtin.MODEL_DIR, local_files_only=True)
        engine = LocalEngine(decoder_for(model, place.context), tokenizer, info)
        engine.warm_up(self._sampling, compiled=False)
        return engine

    def classifier(self) -> EntailmentClassifier:
        """A classifier of bart-large's shape."""
        place = self._placement.classifier
        assert place is not None
        tokenizer = _pair_tokenizer()
        config = copy(BART)
        config.eos_token_id = tokenizer.convert_tokens_to_ids("[SEP]")
        config.pad_token_id = tokenizer.pad_token_id
        dtype = getattr(torch, place.dtype)
        with translated(), _one_at_a_time, torch.inference_mode(), torch.device(place.device):
            model = AutoModelForSequenceClassification.from_config(config, dtype=dtype, attn_implementation="sdpa")
        return EntailmentClassifier(model.to(dtype).eval(), tokenizer, place.device)


def _pair_tokenizer() -> Any:
    """The built-in classifier's tokenizer, framing premise and hypothesis as BART's does."""
    tokenizer = AutoTokenizer.from_pretrained(builtin.CLASSIFIER_DIR, local_files_only=True)
    tokenizer.model_max_length = BART.max_position_embeddings
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] [SEP] $B [SEP]",
        special_tokens=[(name, tokenizer.convert_tokens_to_ids(name)) for name in ("[CLS]", "[SEP]")],
    )
    return tokenizer
