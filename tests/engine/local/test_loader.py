"""Loading as it is: from directories that are whole, broken, unknown, and two models at once."""

import json
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from llamacli.complexity import Budget
from llamacli.engine import Models, Wanted, check_before_loading, open_models
from llamacli.engine.base import Engine
from llamacli.engine.local.classifier import SequenceClassifier
from llamacli.engine.local.disk import BART_LARGE_MNLI
from llamacli.engine.local.disk import LLAMA_3_1_8B as LLAMA
from llamacli.engine.local.entailment import EntailmentClassifier
from llamacli.engine.local.generation import LocalEngine
from llamacli.engine.local.loader import Loader, locate_or_builtin
from llamacli.errors import BadUsage, BrokenModel, LlamacliError, ModelNotOnDisk, PromptTooLong, UnknownModel
from llamacli.events import Finished, LoadEvent, LoadProgress, Notice
from llamacli.messages import Conversation
from llamacli.placement import LLAMA_3_1_8B, Gpu, Wishes, plan_apart
from tests.hub import TOKEN, as_the_hub
from tests.placement.machines import BUSY_4090, GTX_1050, H100, OLD_1050, RTX_2080, RTX_4090, machine
from tests.settings import sampling, settings
from tests.tiny import save_bart, save_fp8_llama, save_llama


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
        assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()
        assert models.classifier is not None
        models.close()


def test_what_is_loaded_is_told(tiny_llama: Path) -> None:
    told: list[LoadEvent] = []
    models = opened(tiny_llama, told.append, classifier_device="none")
    info = models.engine.info
    assert (info.device, info.dtype, info.quantization, info.context_window) == ("cpu", "float32", "none", 4096)
    assert models.load_s > 0
    assert models.classifier is None
    progress = [event for event in told if isinstance(event, LoadProgress)]
    assert {event.role for event in progress} == {"model"}
    assert [event.done >= event.total > 0 for event in progress] == [False] * (len(progress) - 1) + [True]


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
    [
        ("./nowhere", UnknownModel),
        ("~/nowhere", UnknownModel),
        ("~nobody-here/x", UnknownModel),
        ("no name!", UnknownModel),
        ("a/b", ModelNotOnDisk),
    ],
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
    source = save_llama(tmp_path / "model")
    engine = engine_of(source, quantization="4bit", device="cpu", cache_dir=tmp_path / "cache")
    assert engine.info.quantization == "4bit"
    assert "4bit" in type(engine._decoder.model.model.layers[0].mlp.up_proj).__name__  # type: ignore[attr-defined]


def test_the_classifier_does_not_wait_for_a_download(tmp_path: Path, tiny_llama: Path) -> None:
    with as_the_hub(tmp_path / "cache") as hub:
        hub.publish("some/model", tiny_llama)
        hub.held = Event()
        told: list[LoadEvent] = []
        models = opened("some/model", told.append)
        assert models.classifier is not None
        assert models._engine is not None
        assert not models._engine.done()
        hub.held.set()
        assert models.engine.info.model == "some/model"
        models.close()
    assert [event.text.split(",")[0] for event in told if isinstance(event, Notice)] == ["Downloading some/model"]
    assert [event.role for event in told if isinstance(event, LoadProgress) and event.phase == "ready"] == [
        "classifier",
        "model",
    ]


def test_what_auto_chose_and_cannot_be_had_is_replaced_with_a_notice(tmp_path: Path, tiny_llama: Path) -> None:
    with as_the_hub(tmp_path / "cache") as hub:
        hub.publish(LLAMA, tiny_llama)
        hub.gated.add(LLAMA)
        told: list[LoadEvent] = []
        name, source = locate_or_builtin("llama-3.1-8b", settings(hub_token=TOKEN), told.append)
        hub.members.add(LLAMA)
        assert locate_or_builtin("llama-3.1-8b", settings(hub_token=TOKEN), told.append)[0] == "llama-3.1-8b"
    assert name == "builtin"
    assert source.directory is not None
    (notice,) = [event.text for event in told if isinstance(event, Notice)]
    assert notice.startswith(f"Using the small built-in model. {LLAMA} is gated, and this token may not have it.")


def test_classifying_needs_no_room_for_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llamacli.engine.local.loader.detect", lambda: machine(ram=4_000))
    told: list[LoadEvent] = []
    models = open_models(settings(model="llama-3.1-8b"), Wanted(engine=False), told.append)
    assert isinstance(models.classifier, SequenceClassifier)


def test_code_from_a_model_is_never_run(tmp_path: Path) -> None:
    directory = save_llama(tmp_path / "model")
    config = json.loads((directory / "config.json").read_text())
    config |= {"model_type": "mine", "auto_map": {"AutoConfig": "code.C", "AutoModelForCausalLM": "code.M"}}
    (directory / "config.json").write_text(json.dumps(config))
    (directory / "code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(LlamacliError):
        engine_of(directory)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("cards", "wishes", "devices"),
    [
        ((RTX_2080, GTX_1050), Wishes(), ("cuda:0", "cuda:1")),
        ((GTX_1050, RTX_2080), Wishes(), ("cuda:1", "cuda:0")),
        ((H100, H100), Wishes(), ("cuda:0", "cuda:1")),
        ((RTX_4090, RTX_2080), Wishes(classifier_device="cuda:1"), ("cuda:0", "cuda:1")),
        ((H100,), Wishes(), None),
        ((RTX_2080, OLD_1050), Wishes(), None),
        ((RTX_2080, BUSY_4090), Wishes(), None),
        ((H100, H100), Wishes(classifier_device="cpu"), None),
        ((H100, H100), Wishes(device="cuda:0", classifier_device="cuda:0"), None),
        ((H100, H100), Wishes(device="cpu"), None),
        ((), Wishes(), None),
    ],
)
def test_the_large_classifier_is_for_a_card_of_its_own(
    cards: tuple[Gpu, ...], wishes: Wishes, devices: tuple[str, str] | None
) -> None:
    placement = plan_apart(machine(*cards), LLAMA_3_1_8B, wishes)
    if devices is None:
        assert placement is None
    else:
        assert placement is not None
        assert placement.classifier is not None
        assert (placement.model.device, placement.classifier.device) == devices


def loader_with_a_card_of_its_own(told: list[LoadEvent], **options: object) -> Loader:
    loader = Loader(settings(model="builtin", device="cpu", **options), Wanted(), told.append)
    loader._rates_by_entailment = True  # which this machine cannot show
    return loader


def test_the_large_classifier_comes_from_the_hub_and_rates_by_entailment(tmp_path: Path) -> None:
    with as_the_hub(tmp_path / "cache") as hub:
        hub.publish(BART_LARGE_MNLI, save_bart(tmp_path / "bart"))
        told: list[LoadEvent] = []
        classifier = loader_with_a_card_of_its_own(told).classifier()
    assert isinstance(classifier, EntailmentClassifier)
    (rated,) = classifier.classify(["hello"])
    assert rated.scores is not None
    assert sum(rated.scores.values()) == pytest.approx(1)
    assert [event.text.split(",")[0] for event in told if isinstance(event, Notice)] == [
        f"Downloading {BART_LARGE_MNLI}"
    ]
    assert {event.role for event in told if isinstance(event, LoadProgress)} == {"classifier"}


def test_where_the_large_classifier_cannot_be_had_the_built_in_one_rates(tmp_path: Path) -> None:
    with as_the_hub(tmp_path / "cache") as hub:
        hub.down = True
        told: list[LoadEvent] = []
        classifier = loader_with_a_card_of_its_own(told).classifier()
    assert isinstance(classifier, SequenceClassifier)
    (notice,) = [event.text for event in told if isinstance(event, Notice)]
    assert notice.startswith(f"Prompts are rated by the built-in classifier. {BART_LARGE_MNLI} cannot be downloaded")


def test_a_built_in_chat_model_never_asks_the_hub(tmp_path: Path) -> None:
    with as_the_hub(tmp_path / "cache") as hub:
        models = opened("auto", device="cpu")
        assert isinstance(models.classifier, SequenceClassifier)
        assert models.engine.info.model == "builtin"
        models.close()
        assert not hub.asked


def test_a_classifier_alone_does_not_care_where_a_language_model_could_run() -> None:
    wanted = Wanted(engine=False)
    models = open_models(settings(device="cuda:7", quantization="8bit"), wanted, lambda _: None)
    assert models.classifier is not None
    models.close()


def test_a_model_whose_rows_are_no_whole_blocks_is_not_quantized_to_4_bits(tmp_path: Path) -> None:
    config = save_llama(tmp_path) / "config.json"
    config.write_text(config.read_text().replace('"intermediate_size": 128', '"intermediate_size": 100'))
    with pytest.raises(BadUsage, match="cannot be quantized to 4 bits"):
        engine_of(tmp_path, quantization="4bit")


def test_a_model_that_comes_quantized_is_not_quantized_again(tmp_path: Path) -> None:
    fp8 = save_fp8_llama(tmp_path)
    for quantization in ("4bit", "8bit"):
        with pytest.raises(BadUsage, match=f"--quantization {quantization} cannot be used with {tmp_path}"):
            engine_of(fp8, quantization=quantization)
    for quantization in ("auto", "none"):
        engine = engine_of(fp8, quantization=quantization, device="cpu")
        assert (engine.info.dtype, engine.info.quantization) == ("float32", "none")
        assert isinstance(list(engine.stream(Conversation().with_prompt("one"), sampling(), Budget(5)))[-1], Finished)
        engine.close()


def test_a_quantization_is_no_reason_to_refuse_the_built_in_model_that_auto_fell_back_to() -> None:
    for quantization in ("4bit", "8bit"):
        engine = engine_of("auto", quantization=quantization, device="cpu")
        assert (engine.info.model, engine.info.quantization) == ("builtin", "none")
        engine.close()


@pytest.mark.parametrize("part", ["model-00001-of-00002.safetensors", "consolidated.safetensors"])
def test_a_part_of_the_weights_is_no_model(tmp_path: Path, part: str) -> None:
    directory = save_llama(tmp_path / "model")
    (directory / "model.safetensors").rename(directory / part)
    with pytest.raises(BrokenModel, match="not complete"):
        engine_of(directory)
