"""What a card does for the first time takes long, so it does it while the weights are still being read.

Libraries and kernels are loaded when they are first used, and our own are compiled then: some two seconds in the first
process after a start of the machine, which the first prompt would otherwise wait for.
"""

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from itertools import islice
from typing import Any

import torch
from transformers import PretrainedConfig

from llamacli.engine.local.fused import fused_step
from llamacli.engine.local.random_weights import random_model
from llamacli.engine.local.static import StaticDecoder, why_eager
from llamacli.placement import RolePlacement
from llamacli.sampling import Sampling

VOCABULARY = 1024
"""Tokens of the model that is rehearsed with: the others need no kernels of their own, and a gigabyte of memory."""
PROMPTS = (16, 64, 300, 1024)
"""Lengths of the prompts that it reads: libraries have kernels for few rows, and others for many."""
SAMPLING = Sampling(temperature=0.7, top_k=50, top_p=0.7, repetition_penalty=1.2)
"""Any that needs every kernel of the sampler."""


def rehearse(config: PretrainedConfig, place: RolePlacement) -> None:
    """Begin to do, in a thread of its own, with one layer of random weights, what a model so placed will do.

    Does nothing where there is nothing to gain: no CUDA card, several cards, 8 bits. The layer is built before it
    returns, since no two models may be built at a time. What fails is left to the real model to say.
    """
    if not place.device.startswith("cuda") or len(place.devices) > 1 or place.quantization == "8bit":
        return
    dtype = getattr(torch, place.dtype)
    try:
        with torch.inference_mode():
            model = random_model(one_layer(config), place.device, dtype, place.quantization)
    except Exception:  # noqa: BLE001 - an architecture that random weights cannot be made for
        return
    if not why_eager(model):
        # Python waits for this thread before it ends: CUDA's libraries abort where one is cut off within them.
        thread = ThreadPoolExecutor(1, thread_name_prefix="rehearsal")
        thread.submit(run_through, model)
        thread.shutdown(wait=False)


def one_layer(config: PretrainedConfig) -> PretrainedConfig:
    """The configuration of a model of the same layers, but one only, and few tokens."""
    small = deepcopy(config)
    text = small.get_text_config()
    text.num_hidden_layers, text.vocab_size = 1, VOCABULARY
    if getattr(text, "layer_types", None):
        text.layer_types = text.layer_types[:1]
    text.pad_token_id = text.bos_token_id = text.eos_token_id = None
    return small


def run_through(model: Any) -> None:
    """Read prompts of several lengths and decode a little after each.

    Nothing is captured: while a stream is, the thread that reads the weights would not get memory.
    """
    with torch.inference_mode():
        decoder = StaticDecoder(model, 2 * PROMPTS[-1], None, fused_step(model))
        for length in PROMPTS:
            prompt = [1] * length
            decoder.rewind([])
            logits = decoder.read_prompt(prompt, 0, lambda: False)
            assert logits is not None
            for _ in islice(decoder.tokens(SAMPLING, prompt, logits), 3):
                pass
    decoder.close()
