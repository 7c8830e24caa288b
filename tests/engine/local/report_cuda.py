"""What a CUDA card gives, measured on random weights of Llama 3.1 8B's shape; one JSON object, no test.

    python -m tests.engine.local.report_cuda [--parts greedy,float16,load,bench] [--tiny]

greedy   our tokens against those of `generate`; where they part, how far the logits differ, beside how far two ways of
         transformers' own differ at the same place: step by step, and all in one pass
float16  the type of cards before Ampere: speed and peak memory with 4,096 tokens of context
load     a first, quantizing load, which saves the copy, and a second one from it; in seconds
bench    the object of `llamacli bench --synthetic llama-3.1-8b --baseline --compile --json`

`--tiny` takes a model of a few thousand weights and any device: to see that the report itself works.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, LlamaConfig

from llamacli.bench import Bench
from llamacli.engine import Wanted, instruments, open_synthetic
from llamacli.engine.local.decode import Decoder
from llamacli.engine.local.static import StaticDecoder, capture_graph
from llamacli.engine.local.synthetic import LLAMA, synthetic
from llamacli.engine.local.weights import causal_model
from llamacli.placement import RolePlacement
from llamacli.terminal.bench_reports import bench_json
from tests.settings import sampling, settings

TINY = LlamaConfig(
    vocab_size=500, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, eos_token_id=None, max_position_embeddings=8192,
)  # fmt: skip
GREEDY = sampling(temperature=0)


class Report:
    """The parts, over models of one configuration on one device."""

    def __init__(self, config: LlamaConfig, device: str, prompts: int, tokens: int) -> None:
        self.config, self.device, self.prompts, self.tokens = config, device, prompts, tokens
        self.capture = capture_graph if device.startswith("cuda") else None

    def model(self, dtype: torch.dtype, quantization: str = "4bit") -> Any:
        with torch.inference_mode():
            model = synthetic(self.config, self.device, dtype, quantization)
        model.generation_config = GenerationConfig(pad_token_id=0)
        return model

    def prompt(self, length: int, seed: int) -> list[int]:
        drawn = torch.randint(5, self.config.vocab_size, (length,), generator=torch.Generator().manual_seed(seed))
        return [int(token) for token in drawn]

    def greedy(self) -> dict[str, object]:
        model = self.model(torch.bfloat16)
        ours, theirs = StaticDecoder(model, 4096, self.capture), Decoder(model)
        equal, parted = 0, []
        for seed in range(self.prompts):
            prompt = self.prompt(30 + 11 * seed, seed)
            mine, expected = answer(ours, prompt, self.tokens), generated(model, prompt, self.tokens)
            same = next((n for n, (a, b) in enumerate(zip(mine, expected, strict=True)) if a != b), self.tokens)
            equal += same == self.tokens
            if same < self.tokens:
                parted.append(self.difference(ours, theirs, prompt, expected[:same], (mine[same], expected[same])))
        return {"prompts": self.prompts, "tokens": self.tokens, "equal": equal, "parted": parted}

    def difference(
        self, ours: Decoder, theirs: Decoder, prompt: list[int], said: list[int], rivals: tuple[int, int]
    ) -> dict[str, float]:
        a, b, c = stepped(ours, prompt, said), stepped(theirs, prompt, said), stepped(theirs, prompt + said, [])
        return {
            "after_tokens": len(said),
            "between_the_two_tokens": float((b[rivals[0]] - b[rivals[1]]).abs()),
            "ours_to_theirs": float((a - b).abs().max()),
            "theirs_to_theirs": float((c - b).abs().max()),
            "largest_logit": float(b.abs().max()),
        }

    def float16(self) -> dict[str, object]:
        model = self.model(torch.float16)
        decoder = StaticDecoder(model, 4096, self.capture)
        prompt = self.prompt(3800, 1)
        answer(decoder, prompt, 8)
        started = time.perf_counter()
        answer(decoder, prompt, 1)
        first = time.perf_counter() - started
        seconds = time.perf_counter()
        answer(decoder, prompt, 101)
        speed = 100 / (time.perf_counter() - seconds - first)
        peak = torch.cuda.max_memory_allocated() / 2**20 if self.capture else 0.0
        return {"first_token_s": first, "tokens_per_s": speed, "peak_mib": peak}

    def load(self) -> dict[str, object]:
        place = RolePlacement((self.device,), "bfloat16", "4bit", (0,), (self.config.num_hidden_layers,), 4096)
        with tempfile.TemporaryDirectory() as folder:
            directory = Path(folder) / "model"
            self.model(torch.bfloat16, "none").save_pretrained(directory)
            seconds = []
            for _ in range(2):
                started = time.perf_counter()
                causal_model(directory, "synthetic", place, Path(folder) / "cache", lambda _: None)
                seconds.append(time.perf_counter() - started)
        return {"first_s": seconds[0], "second_s": seconds[1]}

    def bench(self) -> dict[str, object]:
        models = open_synthetic("llama-3.1-8b", settings(), Wanted(), lambda _: None)
        engine, classifier = models.engine, models.classifier
        measured = Bench(models, instruments(engine), settings(), lambda _: None)
        report = measured.run([64, 1024, 4096], 128, baseline=True, compiled=True)
        shown = bench_json(report, engine.info, classifier.device if classifier else None)
        models.close()
        return shown | {"engine": asdict(engine.info)}


def answer(decoder: Decoder, prompt: list[int], count: int) -> list[int]:
    """The greedy tokens after a prompt, read anew."""
    with torch.inference_mode():
        decoder.rewind([])
        logits = decoder.read_prompt(prompt, 0, lambda: False)
        assert logits is not None
        return list(islice(decoder.tokens(GREEDY, prompt, logits), count))


def stepped(decoder: Decoder, prompt: list[int], said: list[int]) -> Tensor:
    """The logits after a prompt was read and then each token that was said by itself."""
    with torch.inference_mode():
        decoder.rewind([])
        logits = decoder.read_prompt(prompt, 0, lambda: False)
        for token in said:
            logits = decoder._read([token])
        assert logits is not None
        return logits.float()


def generated(model: Any, prompt: list[int], count: int) -> list[int]:
    """The same tokens by `generate`."""
    ids = torch.tensor([prompt], device=model.device)
    made = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        repetition_penalty=GREEDY.repetition_penalty,
        max_new_tokens=count,
        min_new_tokens=count,
    )
    return [int(token) for token in made[0, len(prompt) :]]


def main() -> None:
    """Print the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default="greedy,float16,load,bench")
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--prompts", type=int, default=20)
    parser.add_argument("--tokens", type=int, default=200)
    options = parser.parse_args()
    device = "cuda:0" if torch.cuda.is_available() else "cpu"
    report = Report(TINY if options.tiny else LLAMA, device, options.prompts, options.tokens)
    parts: dict[str, Callable[[], dict[str, object]]] = {
        "greedy": report.greedy, "float16": report.float16, "load": report.load, "bench": report.bench,
    }  # fmt: skip
    sys.stdout.write(json.dumps({name: parts[name]() for name in options.parts.split(",")}) + "\n")


if __name__ == "__main__":
    main()
