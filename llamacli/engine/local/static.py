"""Decoding over a cache of fixed size, so that one step can be captured once and replayed for every token."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from llamacli.engine.local.cache import has_static_layers, lengthen, new_cache, set_length, show
from llamacli.engine.local.decode import SLICE, Decoder
from llamacli.engine.local.fused import FusedStep, fused_step
from llamacli.engine.local.parking import KEPT_BYTES_OF_CARDS, Parking, shared_length, sliced
from llamacli.sampling import Sampling

SIZES = (1024, 4096, 8192, 16384, 32768, 65536)
"""Lengths of caches, in tokens, below the context window. Attention runs over the whole length, hence a few."""
ALIGNMENT = 64
"""Lengths of caches are multiples of it."""
HEADROOM = 256
"""Tokens for which a new cache has room beyond the prompt, so that few answers outgrow it."""
WARM_PROMPT = 16
"""Tokens of the prompt that warms up: enough for the kernels of a prompt."""
COMPILED = ", compiled"
WARM_UPS = 2
"""Calls before a step is captured: libraries choose kernels and make their handles in them."""
LARGE_SLICE = 2048
"""Prompt tokens per forward pass on a card with memory for it: each pass unpacks all quantized weights once."""
LARGE_CARD = 15 << 30
"""Bytes of memory of such a card. Not its speed of the moment: the same prompt has to be cut in the same places."""
FEW = 64
"""Candidates that a step looks at where top-k is no larger; beyond it the whole vocabulary is sorted."""

Step = Callable[[], None]


class StaticDecoder(Decoder):
    """A decoder whose step, sampling included, only touches buffers that stay where they are.

    `capture` turns a step into one that repeats it: a CUDA graph; without it each step is run as it is. `fused` does
    the forward pass of a step in place of the model.
    """

    def __init__(
        self,
        model: Any,
        window: int,
        capture: "Callable[[Step, torch.Generator], Step] | None",
        fused: FusedStep | None = None,
    ) -> None:
        # Attention with a mask falls back to a slow kernel where rows are not aligned to 16 bytes.
        largest = -(-(window + WARM_UPS + 1) // ALIGNMENT) * ALIGNMENT
        self._sizes = (*(size for size in SIZES if size < window), largest)
        self._capture = capture
        self._fused = fused
        self._forward: Callable[..., Any] = model
        self._token = torch.zeros((1, 1), dtype=torch.long, device=model.device)
        self._position = torch.zeros_like(self._token)
        super().__init__(model)
        self._parking = Parking(KEPT_BYTES_OF_CARDS, sliced)
        self.slice = _slice_for(model.device)
        self.method = ("CUDA graph" if capture else "static cache") + (", fused kernels" if fused else "")

    def forget(self) -> None:
        """Throw everything away, captured steps too."""
        self._ids = []
        self._cache = None
        self._steps: dict[int, Step] = {}

    def warm_up(self, sampling: Sampling, *, compiled: bool) -> None:
        """See `Decoder.warm_up`: a step is captured, compiled before where it can be, and forgotten again."""
        compiled = compiled and self.shift_up()
        try:
            self._take_steps(sampling)
        except Exception:
            if not compiled:
                raise
            self._shift_down()
            self._take_steps(sampling)

    def _take_steps(self, sampling: Sampling) -> None:
        prompt = [0] * WARM_PROMPT
        logits = self.read_prompt(prompt, 0, lambda: False)
        assert logits is not None
        for _ in islice(self.tokens(sampling, prompt, logits), 2):
            pass
        self.rewind([])

    def _shift_down(self) -> None:
        """Back to what was before `shift_up`: there is no compiler, or it does not know the model."""
        self.forget()
        self._forward = self.model
        self.method = self.method.removesuffix(COMPILED)

    def shift_up(self) -> bool:
        """Let torch compile the forward pass of a step, which the next step waits for; not one that is fused."""
        if self._fused:
            return False
        self._forward = torch.compile(self.model.forward, mode="default", dynamic=False)
        self._steps.clear()
        self.method += COMPILED
        return True

    def tokens(self, sampling: Sampling, prompt: Sequence[int], logits: Tensor) -> Iterator[int]:
        """See `Decoder.tokens`."""
        self._sampler.begin(sampling, prompt)
        if self._sampler.candidates <= FEW < len(logits):
            self._sampler.candidates = FEW
        self._token[0] = self._sampler.choose(logits)
        while True:
            token = int(self._token)
            yield token
            self._position.fill_(len(self._ids))
            self._reserve(1)
            self._step()()
            self._ids.append(token)

    def _read(self, ids: Sequence[int]) -> Tensor:
        self._reserve(len(ids))
        set_length(self._cache, len(self._ids))  # a fused step does not count
        show(self._cache, len(self._ids) + len(ids))
        try:
            return super()._read(ids)
        finally:
            show(self._cache, None)

    def _exchange(self, prompt: Sequence[int]) -> None:
        """Write what is parked of the prompt's conversation into the one cache, what was there being parked."""
        found = self._parking.exchange((self._ids, self._cache), prompt)
        if found is not None and found[1] is self._cache:
            return
        self._ids = []
        if self._cache is None:  # after a failure: it is made when something is read
            return
        if found is not None:
            ids, kept = found
            shared = shared_length(ids, prompt)
            self._reserve(shared)
            kept.put_back(self._cache, shared)
            self._ids = ids[:shared]
        self._shorten(len(self._ids))

    def _shorten(self, length: int) -> None:
        set_length(self._cache, length)

    def _reserve(self, count: int) -> None:
        """Make room for `count` more tokens, and for those that warm up a step."""
        needed = len(self._ids) + count + WARM_UPS
        if self._cache is not None and needed <= self._cache.layers[0].max_cache_len:
            return
        wanted = min(needed + HEADROOM, self._sizes[-1])
        size = next(size for size in self._sizes if size >= max(wanted, needed))
        self._steps.clear()
        if self._cache is None:
            self._cache = new_cache(self.model, size)
        else:
            lengthen(self._cache, size)

    def _step(self) -> Step:
        candidates = self._sampler.candidates
        if candidates not in self._steps:
            self._steps[candidates] = self._run if self._capture is None else self._captured(self._capture)
        return self._steps[candidates]

    def _captured(self, capture: "Callable[[Step, torch.Generator], Step]") -> Step:
        """Capture a step, which runs it a few times, and undo what that did."""
        token, position, length = self._token.clone(), self._position.clone(), len(self._ids)
        with self._sampler.undone():
            step = capture(self._run, self._sampler.generator)
        self._token.copy_(token)
        self._position.copy_(position)
        self._shorten(length)
        return step

    def _run(self) -> None:
        """Read the token, choose the next one, and leave it as the token to read."""
        self._token[0] = self._sampler.choose(self._logits())
        self._position.add_(1)

    def _logits(self) -> Tensor:
        if self._fused:
            return self._fused(self._token, self._position, self._cache)
        with _grouped_heads():
            output = self._forward(
                input_ids=self._token, position_ids=self._position, past_key_values=self._cache, use_cache=True
            )
        logits: Tensor = output.logits[0, -1]
        return logits


def decoder_for(model: Any, window: int) -> Decoder:
    """The fastest decoder that the model can have where it is."""
    reason = why_eager(model)
    return Decoder(model, reason) if reason else StaticDecoder(model, window, capture_graph, fused_step(model))


def why_eager(model: Any) -> str:
    """Why the steps of a model cannot be captured, or nothing."""
    if model.device.type != "cuda":
        return "CUDA graphs need a CUDA card"
    if len(set(getattr(model, "hf_device_map", {"": 0}).values())) > 1:
        return "the model is spread over several devices"
    if not has_static_layers(model):
        return "its attention has layers whose cache cannot stay in place"
    return ""


def capture_graph(step: Step, generator: torch.Generator) -> Step:
    """A CUDA graph of `step`, whose random numbers come from `generator`, on the generator's card."""
    with torch.cuda.device(generator.device):
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UPS):
                step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(generator)
        with torch.cuda.graph(graph, stream=side):  # its default stream is on the card that first captured something
            step()
    return graph.replay


def _slice_for(device: torch.device) -> int:
    if device.type == "cuda" and torch.cuda.get_device_properties(device).total_memory > LARGE_CARD:
        return LARGE_SLICE
    return SLICE


@contextmanager
def _grouped_heads() -> Iterator[None]:
    """Let attention read the key and value heads as they are, without copies for all query heads.

    transformers looks at this variable in every call. Not while prompts are read: with a mask and many queries it
    would choose a kernel that needs memory for all pairs of tokens.
    """
    name = "TRANSFORMERS_SDPA_FORCE_GQA"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
