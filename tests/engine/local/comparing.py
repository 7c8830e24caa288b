"""Two decoders, or a decoder and `generate`, compared token by token and logit by logit."""

from itertools import islice
from typing import Any

import torch
from torch import Tensor
from transformers import StoppingCriteriaList

from llamacli.engine.local.decode import Decoder
from llamacli.engine.local.random_weights import random_model
from llamacli.engine.local.sampler import Sampler
from llamacli.engine.local.static import StaticDecoder
from tests.settings import sampling

GREEDY = sampling(temperature=0)


def answer(decoder: Decoder, prompt: list[int], count: int) -> list[int]:
    """The greedy tokens after a prompt, read anew."""
    with torch.inference_mode():
        decoder.rewind([])
        logits = decoder.read_prompt(prompt, 0, lambda: False)
        assert logits is not None
        return list(islice(decoder.tokens(GREEDY, prompt, logits), count))


def stepped(decoder: Decoder, prompt: list[int], said: list[int]) -> Tensor:
    """The logits after a prompt was read and then each token that was said, by a step of the decoder."""
    with torch.inference_mode():
        decoder.rewind([])
        logits = decoder.read_prompt(prompt, 0, lambda: False)
        assert logits is not None
        for token in said:
            if isinstance(decoder, StaticDecoder):
                decoder._token.fill_(token)
                decoder._position.fill_(len(decoder._ids))
                decoder._reserve(1)
                logits = decoder._logits()
                decoder._ids.append(token)
            else:
                logits = decoder._read([token])
        return logits.float()


def penalized(logits: Tensor, read: list[int]) -> Tensor:
    """The logits as greedy decoding compares them."""
    sampler = Sampler(len(logits), logits.device)
    sampler.begin(GREEDY, read)
    return sampler.penalize(logits.float())


def difference(ours: Tensor, theirs: Tensor, true: Tensor, *, rivals: list[int]) -> dict[str, float]:
    """How far the logits of two tokens, ours and theirs, are from the true ones, and from each other."""
    a, b, c = (logits[rivals] for logits in (ours, theirs, true))
    return {
        "apart": float(c[0] - c[1]),
        "our_error": float((a - c).abs().max()),
        "their_error": float((b - c).abs().max()),
        "our_norm_error": float((ours - true).norm() / true.norm()),
        "their_norm_error": float((theirs - true).norm() / true.norm()),
    }


def exact(model: Any) -> Any:
    """The same model with its quantized weights unpacked, in float32."""
    from bitsandbytes.functional import dequantize_4bit

    with torch.inference_mode():
        same = random_model(model.config, str(model.device), torch.float32, "none")
        for one, other in zip(model.modules(), same.modules(), strict=True):
            weight = getattr(one, "weight", None)
            if weight is not None:
                state = getattr(weight, "quant_state", None)
                plain = weight if state is None else dequantize_4bit(weight.data, state)
                other.weight.copy_(plain.reshape(other.weight.shape))
    return same


def generated(model: Any, prompt: list[int], ours: list[int]) -> list[int]:
    """The same tokens by `generate`, or as many as it takes to differ."""
    ids = torch.tensor([prompt], device=model.device)

    def differs(read: Tensor, *_: object, **__: object) -> Tensor:
        count = read.shape[1] - len(prompt)
        return torch.tensor([int(read[0, -1]) != ours[count - 1]], device=read.device)

    made = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        repetition_penalty=GREEDY.repetition_penalty,
        max_new_tokens=len(ours),
        stopping_criteria=StoppingCriteriaList([differs]),
    )
    return [int(token) for token in made[0, len(prompt) :]]
