"""The second gear is made in the background and taken between two tokens, with a stand-in for torch's compiler."""

import gc
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from functools import partial
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, get_ident
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from llamacli.engine.base import EngineInfo
from llamacli.engine.local import compiling, static
from llamacli.engine.local.capturing import Step
from llamacli.engine.local.decode import THREADS, Decoder
from llamacli.engine.local.direct import DirectStep
from llamacli.engine.local.generation import LocalEngine
from llamacli.engine.local.static import StaticDecoder
from llamacli.errors import EngineFailed
from llamacli.messages import Conversation
from tests.engine.local.test_generation import answer
from tests.engine.local.test_static import replayed
from tests.settings import sampling

PROMPT = [5, 6, 7]
INFO = EngineInfo("tiny", 4096, "cpu", "float32", "none")


class Compiler:
    """Takes the place of `torch.compile`, and works only as often as it is let."""

    def __init__(self) -> None:
        self.begun = self.running = self.most = 0
        self.used = 0
        """Calls of what was compiled, in other threads than the compiler's."""
        self.breaks: Callable[[], None] = lambda: None
        self.broken: Callable[[], None] = lambda: None
        self._allowed: SimpleQueue[None] = SimpleQueue()
        self._changing = Lock()

    def __call__(self, forward: Callable[..., Any], **_: object) -> Callable[..., Any]:
        with self._changing:
            self.begun += 1
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            self._allowed.get(timeout=20)
            self.breaks()
        finally:
            self.running -= 1
        thread = get_ident()

        def compiled(**arguments: Any) -> Any:
            if get_ident() != thread:
                self.used += 1
                self.broken()
            return forward(**arguments)

        return compiled

    def await_work(self) -> None:
        """Wait until it works on something."""
        while not self.running:
            time.sleep(0.001)

    def allow(self, times: int) -> None:
        """Let it finish so many times."""
        for _ in range(times):
            self._allowed.put(None)

    def let(self, decoder: StaticDecoder) -> None:
        """Let it finish what it works on."""
        self.allow(1)
        wait([made(decoder)], timeout=20)


def made(decoder: StaticDecoder) -> "Future[Any]":
    assert decoder._gear is not None
    assert decoder._gear._making is not None
    return decoder._gear._making.future


def fail() -> None:
    raise RuntimeError("no compiler")


def forever() -> None:
    while True:
        time.sleep(0.001)


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> Compiler:
    compiler = Compiler()
    monkeypatch.setattr(torch, "compile", compiler)
    return compiler


@pytest.fixture(autouse=True)
def _small_caches_without_gradients(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(static, "SIZES", (48, 96, 200))
    monkeypatch.setattr(static, "HEADROOM", 8)
    monkeypatch.setattr(compiling, "PATIENCE", 0.05)
    with torch.inference_mode():
        yield
    torch.set_num_threads(THREADS)  # decoders are run in this thread here, and choose for it


@pytest.fixture(scope="module")
def model(tiny_llama: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(tiny_llama).eval()


@pytest.fixture(params=[None, replayed], ids=["as it is", "captured"])
def decoder(request: pytest.FixtureRequest, model: Any) -> Iterator[StaticDecoder]:
    """One that has just been warmed up, in the first gear."""
    decoder = StaticDecoder(model, 4096, request.param)
    decoder.warm_up(sampling())
    yield decoder
    decoder.close()


def said(decoder: Decoder) -> Iterator[int]:
    """An answer that is drawn, with a seed."""
    decoder.rewind([])
    logits = decoder.read_prompt(PROMPT, 0, lambda: False)
    assert logits is not None
    return decoder.tokens(sampling(seed=3, temperature=1.5, top_k=20), PROMPT, logits)


def expected(model: Any, count: int) -> list[int]:
    return list(islice(said(StaticDecoder(model, 4096, None)), count))


def test_it_is_taken_in_the_middle_of_an_answer(decoder: StaticDecoder, model: Any, compiler: Compiler) -> None:
    assert decoder.shift_up(wait=False)
    answer = said(decoder)
    tokens = list(islice(answer, 10))
    assert (decoder.method.endswith("compiled"), compiler.used) == (False, 0)
    compiler.let(decoder)
    tokens += islice(answer, 20)
    assert decoder.method.endswith(", compiled")
    assert compiler.used >= 20 if decoder._capture is None else compiler.used > 0
    assert tokens == expected(model, 30)


def test_a_cache_that_grows_is_in_the_first_gear_until_its_own_is_made(
    decoder: StaticDecoder, model: Any, compiler: Compiler
) -> None:
    decoder.shift_up(wait=False)
    answer, tokens, compiled = said(decoder), list[int](), list[bool]()
    compiler.let(decoder)
    for count in (20, 40, 10, 60, 10):
        tokens += islice(answer, count)
        compiled.append(decoder.method.endswith("compiled"))
        if len(compiled) % 2 == 0:
            compiler.let(decoder)
    assert compiled == [True, False, True, False, True]
    assert tokens == expected(model, 140)
    assert compiler.begun == 3


def test_sizes_are_made_one_at_a_time(decoder: StaticDecoder, model: Any, compiler: Compiler) -> None:
    decoder.shift_up(wait=False)
    compiler.await_work()
    answer = said(decoder)
    tokens = list(islice(answer, 80))  # longer than the cache of which a forward pass is being made
    assert compiler.begun == 1
    compiler.let(decoder)
    tokens += islice(answer, 5)
    assert not decoder.method.endswith("compiled")
    compiler.let(decoder)
    tokens += islice(answer, 5)
    assert decoder.method.endswith("compiled")
    assert (compiler.begun, compiler.most) == (2, 1)
    assert tokens == expected(model, 90)


@pytest.mark.parametrize("decoder", [replayed], indirect=True)
def test_nothing_is_compiled_while_a_step_is_captured(decoder: StaticDecoder, model: Any, compiler: Compiler) -> None:
    running: list[int] = []

    def capture(step: Step, generator: torch.Generator) -> Step:
        running.append(compiler.running)
        return replayed(step, generator)

    decoder._capture = capture
    compiler.breaks = forever
    compiler.allow(3)
    decoder.shift_up(wait=False)
    answer, tokens = said(decoder), list[int]()
    for count in (30, 40, 70):
        compiler.await_work()
        tokens += islice(answer, count)
    assert running == [0, 0]
    assert (compiler.begun, compiler.most) == (3, 1)
    assert tokens == expected(model, 140)


def test_nothing_compiled_is_called_while_another_size_is_made(decoder: StaticDecoder, compiler: Compiler) -> None:
    decoder.shift_up(wait=False)
    compiler.let(decoder)
    list(islice(said(decoder), 80))
    assert decoder._gear is not None
    assert decoder._gear.forward(48) is None
    compiler.let(decoder)
    assert decoder._gear.forward(48) is not None


def test_without_a_compiler_the_first_gear_stays(decoder: StaticDecoder, model: Any, compiler: Compiler) -> None:
    compiler.breaks = fail
    decoder.shift_up(wait=False)
    compiler.let(decoder)
    assert list(islice(said(decoder), 140)) == expected(model, 140)
    assert not decoder.method.endswith("compiled")
    assert compiler.begun == 1  # no try for the sizes that followed


@pytest.mark.parametrize("decoder", [replayed], indirect=True)
def test_what_does_not_fit_the_cache_is_not_taken(decoder: StaticDecoder, model: Any, compiler: Compiler) -> None:
    compiler.broken = fail
    decoder.shift_up(wait=False)
    compiler.let(decoder)
    assert list(islice(said(decoder), 140)) == expected(model, 140)
    assert not decoder.method.endswith("compiled")
    assert (compiler.begun, compiler.used) == (1, 1)


def test_after_everything_was_forgotten_what_was_compiled_is_taken_again(
    decoder: StaticDecoder, model: Any, compiler: Compiler
) -> None:
    decoder.shift_up(wait=False)
    decoder.forget()
    compiler.let(decoder)
    for _ in range(2):
        assert list(islice(said(decoder), 20)) == expected(model, 20)
        assert decoder.method.endswith("compiled")
        decoder.forget()
        assert not decoder.method.endswith("compiled")
    assert compiler.begun == 1


def test_a_decoder_is_closed_while_the_compiler_works(tiny_llama: Path, compiler: Compiler) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_llama).eval()
    decoder, alive = StaticDecoder(model, 4096, replayed), weakref.ref(model)
    decoder.warm_up(sampling())
    decoder.shift_up(wait=False)
    del model
    future = made(decoder)
    compiler.await_work()
    decoder.close()
    assert not future.done()
    compiler.allow(1)
    assert isinstance(future.exception(timeout=20), compiling._Ended)
    del future
    gc.collect()
    assert alive() is None


def test_a_forward_pass_of_our_own_has_no_second_gear(model: Any, compiler: Compiler) -> None:
    assert not StaticDecoder(model, 4096, None, DirectStep(model)).shift_up(wait=False)
    assert not Decoder(model).shift_up(wait=False)
    assert compiler.begun == 0


def test_the_compiler_gives_others_their_turn_and_leaves_python_as_it_was(
    decoder: StaticDecoder, compiler: Compiler
) -> None:
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    decoder.shift_up(wait=False)
    compiler.await_work()
    assert sys.getswitchinterval() < interval
    compiler.let(decoder)
    assert (sys.getswitchinterval(), gc.get_threshold()) == (interval, thresholds)


@pytest.fixture
def engine(tiny_llama: Path, model: Any) -> Iterator[LocalEngine]:
    engine = LocalEngine(StaticDecoder(model, 4096, replayed), AutoTokenizer.from_pretrained(tiny_llama), INFO)
    yield engine
    engine.close()


def test_a_closed_engine_ends_its_compiler_and_gives_the_memory_back(
    tiny_llama: Path, compiler: Compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "PATIENCE", 20)
    model = AutoModelForCausalLM.from_pretrained(tiny_llama).eval()
    decoder, alive = StaticDecoder(model, 4096, replayed), weakref.ref(model)
    engine = LocalEngine(decoder, AutoTokenizer.from_pretrained(tiny_llama), INFO)
    del model
    compiler.breaks = forever
    compiler.allow(1)
    engine.warm_up(sampling(), compiled=True)
    compiler.await_work()
    future = made(decoder)
    engine.close()
    assert isinstance(future.exception(timeout=0), compiling._Ended)
    del future
    gc.collect()
    assert alive() is None


def test_the_first_answer_waits_for_no_compiler(engine: LocalEngine, compiler: Compiler) -> None:
    asked = Conversation().with_prompt("one two three")
    engine.warm_up(sampling(), compiled=True)
    first = answer(engine, asked, 10, temperature=0)
    assert engine.info.decoding == "CUDA graph"
    assert isinstance(engine._decoder, StaticDecoder)
    compiler.let(engine._decoder)
    assert answer(engine, asked, 10, temperature=0)[0] == first[0]
    assert engine.info.decoding == "CUDA graph, compiled"


def test_who_measures_waits_for_the_compiler_and_hears_what_it_says(engine: LocalEngine, compiler: Compiler) -> None:
    asked = Conversation().with_prompt("one two three")
    compiler.allow(3)
    assert engine.shift_up()
    answer(engine, asked, 2)
    assert engine.info.decoding == "CUDA graph, compiled"
    compiler.breaks = fail
    with pytest.raises(EngineFailed, match="RuntimeError"):
        answer(engine, Conversation().with_prompt("one two three " * 20), 2)


def test_what_torch_compiles_on_a_cache_of_its_own_fits_the_others(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """By torch's own rules for when it has to compile again; only the code is not made."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    plain = expected(model, 60)
    decoder = StaticDecoder(model, 4096, replayed)
    decoder.shift_up(wait=True)
    answer = said(decoder)
    for begin in (0, 30):
        assert list(islice(answer, 30)) == plain[begin : begin + 30]
        assert decoder.method.endswith("compiled")
    assert decoder._gear is not None
    assert len(decoder._gear._made) == 2
    decoder.close()
