"""Decoding over a cache of fixed size, so that one step can be captured once and replayed for every token."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from llamacli.engine.local.attention import read_grouped_heads
from llamacli.engine.local.cache import has_static_layers, lengthen, new_cache, set_length, show
from llamacli.engine.local.capturing import WARM_UPS, Step, capture_graph
from llamacli.engine.local.compiling import Forward, SecondGear, next_logits, only_compiled, token_and_position
from llamacli.engine.local.decode import SLICE, Decoder, threads_for
from llamacli.engine.local.direct import DirectStep, direct_step
from llamacli.engine.local.fused import FusedStep, fused_step
from llamacli.engine.local.parking import KEPT_BYTES, KEPT_BYTES_OF_CARDS, Parking, shared_length, sliced
from llamacli.sampling import Sampling

SIZES = (1024, 4096, 8192, 16384, 32768, 65536)
"""Lengths of caches, in tokens, below the context window. A step is captured or compiled for each, hence a few."""
GROWTH = 1024
"""Tokens by which a cache grows where nothing is made for its length."""
ALIGNMENT = 64
"""Lengths of caches are multiples of it."""
HEADROOM = 256
"""Tokens for which a new cache has room beyond the prompt, so that few answers outgrow it."""
WARM_PROMPT = 16
"""Tokens of the prompt that warms up: enough for the kernels of a prompt."""
LARGE_SLICE = 2048
"""Prompt tokens per forward pass on a card with memory for it: each pass unpacks all quantized weights once."""
LARGE_CARD = 15 << 30
"""Bytes of memory of such a card. Not its speed of the moment: the same prompt has to be cut in the same places."""
FEW = 64
"""Candidates that a step looks at where top-k is no larger; beyond it the whole vocabulary is sorted."""


class StaticDecoder(Decoder):
    """A decoder whose step, sampling included, only touches buffers that stay where they are.

    `capture` turns a step into one that repeats it: a CUDA graph; without it each step is run as it is. `own` does
    the forward pass of a step in place of the model.
    """

    def __init__(
        self,
        model: Any,
        window: int,
        capture: "Callable[[Step, torch.Generator], Step] | None",
        own: FusedStep | DirectStep | None = None,
    ) -> None:
        # Attention with a mask falls back to a slow kernel where rows are not aligned to 16 bytes.
        largest = -(-(window + WARM_UPS + 1) // ALIGNMENT) * ALIGNMENT
        sizes = range(GROWTH, window, GROWTH) if own and not capture else SIZES
        self._sizes = (*(size for size in sizes if size < window), largest)
        self._capture = capture
        self._own = own
        self._gear: SecondGear | None = None
        self._token, self._position = token_and_position(model.device)
        read_grouped_heads()
        super().__init__(model)
        self._parking = Parking(KEPT_BYTES if model.device.type == "cpu" else KEPT_BYTES_OF_CARDS, sliced)
        self.slice = _slice_for(model.device)
        self._name = ("CUDA graph" if capture else "static cache") + (f", {own.name}" if own else "")

    @property
    def method(self) -> str:
        """How tokens are decoded now, for people."""
        return self._name + (", compiled" if self._compiled else "")

    def forget(self) -> None:
        """Throw everything away, captured steps too."""
        self._ids = []
        self._cache = None
        self._shift(None)

    def close(self) -> None:
        """See `Decoder.close`; what is being compiled ends."""
        if self._gear:
            self._gear.close()
        self._own = None
        super().close()

    def warm_up(self, sampling: Sampling) -> None:
        """See `Decoder.warm_up`: a step is captured."""
        prompt = [0] * WARM_PROMPT
        logits = self.read_prompt(prompt, 0, lambda: False)
        assert logits is not None
        for _ in islice(self.tokens(sampling, prompt, logits), 2):
            pass
        self.rewind([])

    def shift_up(self, *, wait: bool) -> bool:
        """See `Decoder.shift_up`: torch compiles the forward pass of a step, unless that is our own."""
        if self._own:
            return False
        self._gear = SecondGear(self.model, wait=wait)
        if wait:
            self.forget()  # what is measured now begins with a small cache, as what was measured before
        elif self._cache is not None:
            self._gear.begin(self._size)
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
        set_length(self._cache, len(self._ids))  # a pass of our own does not count
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
        if self._cache is not None and needed <= self._size:
            return
        wanted = min(needed + HEADROOM, self._sizes[-1])
        size = next(size for size in self._sizes if size >= max(wanted, needed))
        self._shift(None)
        if self._cache is None:
            self._cache = new_cache(self.model, size)
        else:
            lengthen(self._cache, size)

    def _shift(self, compiled: Forward | None) -> None:
        """Let the next steps be made over a compiled forward pass, or over the model itself."""
        self._compiled = compiled
        self._steps: dict[int, Step] = {}

    @property
    def _size(self) -> int:
        """Tokens that the cache has room for."""
        return int(self._cache.layers[0].max_cache_len)

    def _step(self) -> Step:
        """A step for the present cache: compiled where that is done, else while it is being done."""
        gear, candidates = self._gear, self._sampler.candidates
        if gear and not self._compiled and (compiled := gear.forward(self._size)):
            self._shift(compiled)
        if candidates not in self._steps:
            if gear:
                gear.pause()
            self._steps[candidates] = self._new_step()
        if gear and not self._compiled:
            gear.begin(self._size)
        return self._steps[candidates]

    def _new_step(self) -> Step:
        try:
            return self._captured()
        except Exception as error:
            if self._gear is None or self._gear.waits or not self._compiled:
                raise
            self._gear.give_up(repr(error))
            self._shift(None)
            return self._captured()

    def _captured(self) -> Step:
        """Capture a step, which runs it a few times, and undo what that did."""
        if self._capture is None:
            return self._run
        token, position, length = self._token.clone(), self._position.clone(), len(self._ids)
        torch.set_num_threads(threads_for(self._weights))  # which is what it was compiled for
        try:
            with self._sampler.undone(), only_compiled() if self._compiled else nullcontext():
                return self._capture(self._run, self._sampler.generator)
        finally:
            self._token.copy_(token)
            self._position.copy_(position)
            self._shorten(length)

    def _run(self) -> None:
        """Read the token, choose the next one, and leave it as the token to read."""
        self._token[0] = self._sampler.choose(self._logits())
        self._position.add_(1)

    def _logits(self) -> Tensor:
        if self._own:
            torch.set_num_threads(threads_for(self._weights))
            return self._own(self._token, self._position, self._cache)
        return next_logits(self._compiled or self.model, self._token, self._position, self._cache)


def decoder_for(model: Any, window: int) -> Decoder:
    """The fastest decoder that the model can have where it is."""
    reason = why_eager(model)
    if not reason:
        return StaticDecoder(model, window, capture_graph, fused_step(model))
    direct = direct_step(model)
    return StaticDecoder(model, window, None, direct) if direct else Decoder(model, reason)


def why_eager(model: Any) -> str:
    """Why the steps of a model cannot be captured, or nothing."""
    if model.device.type != "cuda":
        return "CUDA graphs need a CUDA card"
    if len(set(getattr(model, "hf_device_map", {"": 0}).values())) > 1:
        return "the model is spread over several devices"
    if not has_static_layers(model):
        return "its attention has layers whose cache cannot stay in place"
    return ""


def _slice_for(device: torch.device) -> int:
    if device.type == "cuda" and torch.cuda.get_device_properties(device).total_memory > LARGE_CARD:
        return LARGE_SLICE
    return SLICE
