"""What a CUDA card gives, measured on random weights of Llama 3.1 8B's shape; one JSON object, no test.

    python -m tests.engine.local.report_cuda [--parts greedy,float16,load,bench] [--tiny]

greedy   our tokens against those of `generate`; where they part, how far the logits of the two tokens lie from those
         that the same weights give in float32, ours and those of `generate`, and how far apart the two tokens are
float16  the type of cards before Ampere: speed and peak memory with 4,096 tokens of context, the prompt read as there
load     a first, quantizing load, which saves the copy, a second one from it, and one after a load was killed while it
         was saving; in seconds, from files that are not in memory
bench    the object of `llamacli bench --synthetic llama-3.1-8b --baseline --compile --json`

`--tiny` takes a model of a few thousand weights and any device: to see that the report itself works.
"""

import argparse
import json
import os
import subprocess
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
from llamacli.engine.local.decode import SLICE, Decoder
from llamacli.engine.local.fused import fused_step
from llamacli.engine.local.sampler import Sampler
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

    def decoder(self, model: Any, window: int) -> StaticDecoder:
        return StaticDecoder(model, window, self.capture, fused_step(model))

    def greedy(self) -> dict[str, object]:
        model = self.model(torch.bfloat16)
        reference, ours, theirs = exact(model), self.decoder(model, 4096), Decoder(model)
        equal, parted = 0, []
        for seed in range(self.prompts):
            prompt = self.prompt(30 + 11 * seed, seed)
            mine, expected = answer(ours, prompt, self.tokens), generated(model, prompt, self.tokens)
            same = next((n for n, (a, b) in enumerate(zip(mine, expected, strict=True)) if a != b), self.tokens)
            equal += same == self.tokens
            if same < self.tokens:
                read = prompt + expected[:same]
                with torch.inference_mode():
                    true = reference(torch.tensor([read], device=model.device)).logits[0, -1]
                ways = [stepped(decoder, prompt, expected[:same]) for decoder in (ours, theirs)]
                rivals = [mine[same], expected[same]]
                parted.append(difference(*(penalized(logits, read) for logits in (*ways, true)), rivals=rivals))
                parted[-1]["after_tokens"] = same
        near = sum(found["apart"] <= found["our_error"] + found["their_error"] for found in parted)
        return {"method": ours.method, "prompts": self.prompts, "tokens": self.tokens, "equal": equal,
                "parted_within_rounding": near, "parted": parted}  # fmt: skip

    def float16(self) -> dict[str, object]:
        model = self.model(torch.float16)
        decoder = self.decoder(model, 4096)
        decoder.slice = SLICE
        prompt = self.prompt(3800, 1)
        answer(decoder, prompt, 8)
        started = time.perf_counter()
        answer(decoder, prompt, 1)
        first = time.perf_counter() - started
        started = time.perf_counter()
        answer(decoder, prompt, 201)
        speed = 200 / (time.perf_counter() - started - first)
        peak, held = torch.cuda.max_memory_allocated() / 2**20, torch.cuda.max_memory_reserved() / 2**20
        return {"first_token_s": first, "tokens_per_s": speed, "peak_mib": peak, "reserved_mib": held}

    def load(self) -> dict[str, object]:
        with tempfile.TemporaryDirectory() as folder:
            directory, cache = Path(folder) / "model", Path(folder) / "cache"
            self.model(torch.bfloat16, "none").save_pretrained(directory)
            seconds = {"first_s": loaded(directory, cache), "second_s": loaded(directory, cache)}
            killed = Path(folder) / "killed"
            code = f"from tests.engine.local.report_cuda import loaded; loaded({str(directory)!r}, {str(killed)!r})"
            child = subprocess.Popen([sys.executable, "-c", code])
            while child.poll() is None and not list(killed.rglob("*.safetensors")):
                time.sleep(0.01)
            child.kill()
            status = child.wait()
            left = sorted(path.name for path in killed.rglob("*.safetensors"))
            seconds["after_a_kill_s"] = loaded(directory, killed)
            return {**seconds, "killed_with": status, "left_by_the_killed": left}

    def bench(self) -> dict[str, object]:
        models = open_synthetic("llama-3.1-8b", settings(), Wanted(), lambda _: None)
        engine, classifier = models.engine, models.classifier
        measured = Bench(models, instruments(engine), settings(), lambda _: None)
        report = measured.run([64, 1024, 4096], 128, baseline=True, compiled=True)
        shown = bench_json(report, engine.info, classifier.device if classifier else None)
        models.close()
        return shown | {"engine": asdict(engine.info)}


def loaded(directory: str | Path, cache: str | Path) -> float:
    """Seconds that a load takes when no file is in memory."""
    os.sync()
    for file in Path(directory).parent.rglob("*.safetensors"):
        with file.open("rb") as opened:
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    layers = json.loads((Path(directory) / "config.json").read_text())["num_hidden_layers"]
    place = RolePlacement((best_device(),), "bfloat16", "4bit", (0,), (layers,), 4096)
    started = time.perf_counter()
    causal_model(Path(directory), "synthetic", place, Path(cache), lambda _: None)
    return time.perf_counter() - started


def best_device() -> str:
    return "cuda:0" if torch.cuda.is_available() else "cpu"


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
    """How far the logits of two tokens are from the true ones, and from each other."""
    a, b, c = (logits[rivals] for logits in (ours, theirs, true))
    return {
        "apart": float((c[0] - c[1]).abs()),
        "our_error": float((a - c).abs().max()),
        "their_error": float((b - c).abs().max()),
        "our_norm_error": float((ours - true).norm() / true.norm()),
        "their_norm_error": float((theirs - true).norm() / true.norm()),
    }


def exact(model: Any) -> Any:
    """The same model with its quantized weights unpacked, in float32."""
    from bitsandbytes.functional import dequantize_4bit

    with torch.inference_mode():
        same = synthetic(model.config, str(model.device), torch.float32, "none")
        for one, other in zip(model.modules(), same.modules(), strict=True):
            weight = getattr(one, "weight", None)
            if weight is not None:
                state = getattr(weight, "quant_state", None)
                plain = weight if state is None else dequantize_4bit(weight.data, state)
                other.weight.copy_(plain.reshape(other.weight.shape))
    return same


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
    report = Report(TINY if options.tiny else LLAMA, best_device(), options.prompts, options.tokens)
    parts: dict[str, Callable[[], dict[str, object]]] = {
        "greedy": report.greedy, "float16": report.float16, "load": report.load, "bench": report.bench,
    }  # fmt: skip
    sys.stdout.write(json.dumps({name: parts[name]() for name in options.parts.split(",")}) + "\n")


if __name__ == "__main__":
    main()
