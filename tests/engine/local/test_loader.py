"""Loading as it is: from directories that are whole, broken, unknown, and two models at once."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from llamacli.engine import Models, Wanted, check_before_loading, open_models
from llamacli.engine.base import Engine
from llamacli.engine.local.generation import LocalEngine
from llamacli.errors import BadUsage, BrokenModel, LlamacliError, ModelNotOnDisk, PromptTooLong, UnknownModel
from llamacli.events import LoadEvent, LoadProgress
from llamacli.messages import Conversation
from tests.settings import settings
from tests.tiny import save_llama


def opened(model: str | Path, report: Callable[[LoadEvent], None] = lambda _: None, **options: object) -> Models:
    return open_models(settings(model=str(model), **options), Wanted(), report)


def engine_of(model: str | Path, **options: object) -> Engine:
    return open_models(settings(model=str(model), **options), Wanted(classifier=False), lambda _: None).engine


def test_both_models_load_at_once_and_neither_is_harmed(tiny_llama: Path) -> None:
    for _ in range(4):
        models = opened(tiny_llama)
        engine = models.engine
        assert isinstance(engine, LocalEngine)
        model = engine._decoder.model
        # Two models built at the same time once left the output weights untied, and random.
        assert (
            engine._decoder.model.lm_head.weight.data_ptr()
            == engine._decoder.model.model.embed_tokens.weight.data_ptr()
        )
        assert models.classifier is not None
        models.close()


def test_what_is_loaded_is_told(tiny_llama: Path) -> None:
    told: list[LoadEvent] = []
    models = opened(tiny_llama, told.append, classifier_device="none")
    info = models.engine.info
    assert (info.device, info.dtype, info.quantization, info.context_window) == ("cpu", "float32", "none", 4096)
    assert models.load_s > 0
    assert models.classifier is None
    assert [event.role for event in told if isinstance(event, LoadProgress)] == ["model"]


@pytest.mark.parametrize(
    ("damage", "error", "says"),
    [
        (lambda d: (d / "model.safetensors").unlink(), BrokenModel, "model.safetensors"),
        (lambda d: (d / "model.safetensors").write_bytes(b"\x08" * 50), BrokenModel, ""),
        (lambda d: (d / "model.safetensors").write_bytes((d / "model.safetensors").read_bytes()[:-9]), BrokenModel, ""),
        (lambda d: (d / "config.json").write_text("{"), BrokenModel, "config.json"),
        (lambda d: (d / "tokenizer_config.json").unlink(), BrokenModel, "tokenizer_config.json"),
        (lambda d: (d / "chat_template.jinja").unlink(), BrokenModel, "chat template"),
        (lambda d: (d / "config.json").write_text('{"model_type": "nobody"}'), LlamacliError, ""),
        (
            lambda d: (d / "config.json").write_text(
                json.dumps(json.loads((d / "config.json").read_text()) | {"hidden_size": 48})
            ),
            LlamacliError,
            "",
        ),
    ],
    ids=[
        "no weights",
        "no safetensors",
        "cut weights",
        "no json",
        "no tokenizer",
        "no template",
        "unknown type",
        "unfit",
    ],
)
def test_a_broken_directory_says_what_is_broken(
    tmp_path: Path, damage: Callable[[Path], object], error: type[LlamacliError], says: str
) -> None:
    directory = save_llama(tmp_path / "model")
    damage(directory)
    with pytest.raises(error) as caught:
        engine_of(directory)
    assert says in caught.value.message + caught.value.reason
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "error"),
    [("./nowhere", UnknownModel), ("~/nowhere", UnknownModel), ("no name!", UnknownModel), ("a/b", ModelNotOnDisk)],
)
def test_a_model_that_cannot_be_had_is_status_3(name: str, error: type[LlamacliError]) -> None:
    with pytest.raises(error) as caught:
        engine_of(name, offline=True)
    assert caught.value.status == 3
    assert "-m" in caught.value.hint


def test_a_device_that_is_not_there_is_refused(tiny_llama: Path) -> None:
    with pytest.raises(BadUsage, match="cuda:7"):
        engine_of(tiny_llama, device="cuda:7")


def test_too_long_a_prompt_is_refused_by_the_tokenizer_alone(tiny_llama: Path) -> None:
    given = Conversation().with_prompt("one " * 5000)
    with pytest.raises(PromptTooLong, match="tokens given, 3,996 fit"):
        check_before_loading(settings(model=str(tiny_llama)), given)
    check_before_loading(settings(model=str(tiny_llama)), Conversation().with_prompt("one"))


def test_a_model_answers_in_4_bit_by_bitsandbytes(tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    engine = engine_of(save_llama(tmp_path / "model"), quantization="4bit", device="cpu")
    assert engine.info.quantization == "4bit"
    assert "4bit" in type(engine._decoder.model.model.layers[0].mlp.up_proj).__name__  # type: ignore[attr-defined]
