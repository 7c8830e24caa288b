"""What transformers' continuous batching gives, beside our decoder that answers one request after another; no test.

    python -m tests.server.report_batching [--tiny]

One JSON object: tokens per second in all for 1, 4, 8 and 16 requests of 64 prompt tokens and 128 new ones, sampled with
our defaults, by random 4-bit weights of Llama 3.1 8B's shape (`--tiny`: of a few thousand, on any device); then what is
left of the sampling. A part that fails leaves the words of its error.

That much is known from transformers 5.23.0 itself, in `generation/continuous_batching`:

- The repetition penalty cannot be kept. A processor sees only the last token of each request, not those before it
  (model_runner.py, 209: `sliced_input_ids_2d = batch_data["input_ids"][0, logits_indices]`), and this one is marked as
  not supported and left out with a warning (logits_process.py, 356; cb_logits_processors.py, 134).
- Nor can seeds. All requests of a batch draw from one generator (model_runner.py, 230: `torch.multinomial(probs,
  num_samples=1)`), which is seeded once, when the manager is made (continuous_api.py, 353; distributed.py, 197): what a
  request draws depends on who else is in the batch.
- Greedy and drawn answers do not mix: `do_sample` is the manager's (continuous_api.py, 349), and a temperature of 0
  divides by it (cb_logits_processors.py, 242).
- Temperature, top-k and top-p may differ from request to request (`per_request_processors=True`).
"""

import json
import sys
import time
from collections.abc import Callable
from itertools import islice
from typing import Any

import torch
from transformers import ContinuousBatchingConfig, GenerationConfig

from llamacli.engine.local.capturing import capture_graph
from llamacli.engine.local.fused import fused_step
from llamacli.engine.local.parking import Parking
from llamacli.engine.local.random_weights import random_model
from llamacli.engine.local.static import StaticDecoder
from llamacli.engine.local.synthetic import LLAMA
from tests.engine.local.report_cuda import TINY, best_device
from tests.settings import sampling

COUNTS = (1, 4, 8, 16)
PROMPT, NEW = 64, 128


def model_of(*, tiny: bool) -> Any:
    """The model, on a card where there is one."""
    with torch.inference_mode():
        model = random_model(TINY if tiny else LLAMA, best_device(), torch.bfloat16, "none" if tiny else "4bit")
    model.generation_config = GenerationConfig(pad_token_id=0)
    return model


def prompts_for(model: Any) -> list[list[int]]:
    """A prompt for each request; no two begin alike."""
    drawn = torch.randint(5, model.config.vocab_size, (max(COUNTS), PROMPT), generator=torch.Generator().manual_seed(0))
    return [[int(token) for token in row] for row in drawn]


def ours(model: Any, prompts: list[list[int]]) -> dict[str, object]:
    """One after the other, by the decoder that a card gets."""
    capture = capture_graph if model.device.type == "cuda" else None
    decoder = StaticDecoder(model, 4096, capture, fused_step(model))
    decoder._parking = Parking(0)  # every prompt is read, as it is there

    def answered(prompt: list[int]) -> list[int]:
        with torch.inference_mode():
            logits = decoder.read_prompt(prompt, decoder.rewind(prompt), lambda: False)
            assert logits is not None
            return list(islice(decoder.tokens(sampling(seed=1), prompt, logits), NEW))

    answered(prompts[-1])
    told = {str(count): speed(lambda some: [answered(each) for each in some], prompts[:count]) for count in COUNTS}
    method = decoder.method
    decoder.close()
    return {"method": method, "tokens_per_s": told}


def speed(work: Callable[[list[list[int]]], list[list[int]]], prompts: list[list[int]]) -> float:
    """Tokens per second of all requests together."""
    started = time.perf_counter()
    made = sum(len(tokens) for tokens in work(prompts))
    assert made == NEW * len(prompts), made
    return round(made / (time.perf_counter() - started), 1)


def batching(model: Any, **more: Any) -> Any:
    """Their manager, as a context, with our defaults."""
    wish = sampling()
    wishes = GenerationConfig(
        do_sample=True, temperature=wish.temperature, top_k=wish.top_k, top_p=wish.top_p,
        repetition_penalty=wish.repetition_penalty, max_new_tokens=NEW, eos_token_id=-1, pad_token_id=0,
    )  # fmt: skip
    room = ContinuousBatchingConfig(num_blocks=64, max_batch_tokens=1024, per_request_processors=True, seed=1)
    return model.continuous_batching_context_manager(wishes, timeout=10, continuous_batching_config=room, **more)


def together(manager: Any, prompts: list[list[int]]) -> list[list[int]]:
    """The tokens of requests that are made at once."""
    asked = manager.add_requests(prompts, max_new_tokens=NEW)
    found: dict[str, list[int]] = {}
    until = time.monotonic() + 60
    while len(found) < len(asked):
        result = manager.get_result(timeout=1)
        if result is not None and result.is_finished():
            found[result.request_id] = result.generated_tokens
        assert manager.is_running()
        assert time.monotonic() < until
    return [found[name] for name in asked]


def theirs(model: Any, prompts: list[list[int]]) -> dict[str, object]:
    """All at once, by transformers."""
    started = time.perf_counter()
    with batching(model) as manager:
        together(manager, prompts[-1:])
        ready = round(time.perf_counter() - started, 1)
        told = {str(n): speed(lambda some: together(manager, some), prompts[:n]) for n in COUNTS}
        kept = [type(each).__name__ for each in manager.logit_processor.logits_processor]
    return {"ready_s": ready, "tokens_per_s": told, "processors": kept}


def exact(model: Any, prompts: list[list[int]]) -> dict[str, object]:
    """Whether the same seed gives a request the same tokens, alone again and beside others."""
    answers = []
    for others in (0, 0, 3):
        with batching(model, warmup=False) as manager:
            answers.append(together(manager, prompts[: 1 + others])[0])
    alone, again, beside = answers
    return {"same_again": alone == again, "same_beside_others": alone == beside}


def main() -> None:
    """Print what was measured."""
    model = model_of(tiny="--tiny" in sys.argv)
    prompts = prompts_for(model)
    name = torch.cuda.get_device_name() if model.device.type == "cuda" else "cpu"
    report: dict[str, object] = {"device": name, "prompt_tokens": PROMPT, "new_tokens": NEW}
    for part in (ours, theirs, exact):
        started = time.perf_counter()
        try:
            report[part.__name__] = part(model, prompts)
        except Exception as error:  # noqa: BLE001 - the other parts are worth something too
            report[part.__name__] = {"error": f"{type(error).__name__}: {error}"[:500]}
        report[f"{part.__name__}_took_s"] = round(time.perf_counter() - started, 1)
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
