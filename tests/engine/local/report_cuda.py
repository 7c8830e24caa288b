"""What a CUDA card gives, measured on random weights of Llama 3.1 8B's shape; a JSON object a part, no test.

    python -m tests.engine.local.report_cuda [--parts trained,greedy,float16,load,bench] [--tiny]

trained  the same as greedy with the built-in model, whose tokens are not as near to each other as random ones
greedy   our tokens against those of `generate`, in both 16-bit types; where they part, how far our logits and those of
         `generate` lie from those that the same weights give in float32, and whose token those prefer
float16  the type of cards before Ampere: speed and peak memory with 4,096 tokens of context, the prompt read as there
load     a first, quantizing load, which saves the copy, a second one from it, and one after a load was killed while it
         was saving; in seconds, from files that are not in memory
bench    the object of `llamacli bench --synthetic llama-3.1-8b --baseline --compile --json`

`--tiny` takes a model of a few thousand weights and any device: to see that the report itself works. Not for `trained`:
bitsandbytes unpacks no row on the CPU that ends within a block of scales.
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
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, LlamaConfig

from llamacli.bench import Bench
from llamacli.builtin import MODEL_DIR
from llamacli.engine import Wanted, instruments, open_synthetic
from llamacli.engine.local.capturing import capture_graph
from llamacli.engine.local.decode import SLICE, Decoder
from llamacli.engine.local.fused import fused_step
from llamacli.engine.local.random_weights import random_model
from llamacli.engine.local.static import StaticDecoder
from llamacli.engine.local.synthetic import LLAMA
from llamacli.engine.local.weights import causal_model, read_weights
from llamacli.placement import RolePlacement
from llamacli.placement.machine import Dtype
from llamacli.terminal.bench_reports import bench_json
from tests.engine.local.comparing import answer, difference, exact, generated, penalized, stepped
from tests.settings import settings

TINY = LlamaConfig(
    vocab_size=500, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, eos_token_id=None, max_position_embeddings=8192,
)  # fmt: skip


class Report:
    """The parts, over models of one configuration on one device."""

    def __init__(self, config: LlamaConfig, device: str, prompts: int, tokens: int) -> None:
        self.config, self.device, self.prompts, self.tokens = config, device, prompts, tokens
        self.capture = capture_graph if device.startswith("cuda") else None

    def model(self, dtype: torch.dtype, quantization: str = "4bit") -> Any:
        with torch.inference_mode():
            model = random_model(self.config, self.device, dtype, quantization)
        model.generation_config = GenerationConfig(pad_token_id=0)
        return model

    def prompt(self, length: int, seed: int) -> list[int]:
        drawn = torch.randint(5, self.config.vocab_size, (length,), generator=torch.Generator().manual_seed(seed))
        return [int(token) for token in drawn]

    def decoder(self, model: Any, window: int) -> StaticDecoder:
        return StaticDecoder(model, window, self.capture, fused_step(model))

    def greedy(self) -> dict[str, object]:
        types = {"float16": torch.float16, "bfloat16": torch.bfloat16}
        return {name: self.compared(self.model(dtype), self.prompt) for name, dtype in types.items()}

    def trained(self) -> dict[str, object]:
        return {"float16": self.shipped("float16"), "bfloat16": self.shipped("bfloat16")}

    def shipped(self, dtype: Dtype) -> dict[str, object]:
        place = RolePlacement((self.device,), dtype, "4bit", (0,), (8,), 8192)
        model = read_weights(AutoModelForCausalLM, MODEL_DIR, place, lambda *_: None)
        model.generation_config = GenerationConfig(pad_token_id=0)
        tokenizer = AutoTokenizer.from_pretrained(MODEL_DIR)
        lines = (Path(__file__).parents[3] / "README.md").read_text().split("\n\n")

        def prompt(_length: int, seed: int) -> list[int]:
            return list(tokenizer(lines[seed % len(lines)]).input_ids)

        return self.compared(model, prompt)

    def compared(self, model: Any, prompts: Callable[[int, int], list[int]]) -> dict[str, object]:
        """Greedy answers, as far as they are the same."""
        reference, ours, theirs = exact(model), self.decoder(model, 4096), Decoder(model)
        equal, parted = 0, []
        for seed in range(self.prompts):
            prompt = prompts(30 + 11 * seed, seed)
            mine = answer(ours, prompt, self.tokens)
            expected = generated(model, prompt, mine)
            same = next((n for n, (a, b) in enumerate(zip(mine, expected, strict=False)) if a != b), self.tokens)
            equal += same == self.tokens
            if same < self.tokens:
                read = prompt + expected[:same]
                with torch.inference_mode():
                    true = reference(torch.tensor([read], device=model.device)).logits[0, -1]
                ways = [stepped(decoder, prompt, expected[:same]) for decoder in (ours, theirs)]
                rivals = [mine[same], expected[same]]
                parted.append(difference(*(penalized(logits, read) for logits in (*ways, true)), rivals=rivals))
                parted[-1]["after_tokens"] = same
        exacter = sum(found["our_norm_error"] <= found["their_norm_error"] for found in parted)
        right = sum(found["apart"] > 0 for found in parted)
        return {"method": ours.method, "prompts": self.prompts, "tokens": self.tokens, "equal": equal,
                "parted": len(parted), "parted_with_ours_nearer_to_float32": exacter,
                "parted_with_our_token_that_of_float32": right, "each": parted}  # fmt: skip

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


def main() -> None:
    """Print the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default="trained,greedy,float16,load,bench")
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--prompts", type=int, default=20)
    parser.add_argument("--tokens", type=int, default=200)
    options = parser.parse_args()
    report = Report(TINY if options.tiny else LLAMA, best_device(), options.prompts, options.tokens)
    parts: dict[str, Callable[[], dict[str, object]]] = {
        "trained": report.trained, "greedy": report.greedy,
        "float16": report.float16, "load": report.load, "bench": report.bench,
    }  # fmt: skip
    for name in options.parts.split(","):
        sys.stdout.write(json.dumps({name: parts[name]()}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
