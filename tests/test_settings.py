"""The table of settings: which place counts, what it is called, and what is refused."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from llamacli.errors import BadUsage
from llamacli.settings import SETTINGS, TABLE, Settings, Source, resolve

HOME = {"HOME": "/home/ada"}


def of(options: dict[str, Any] | None = None, *sources: Source) -> Settings:
    return resolve(options or {}, sources, HOME)


def source(where: str = "the environment", *, trusted: bool = True, **texts: str) -> Source:
    return Source(where, texts, trusted)


def test_every_row_has_a_field_and_a_default_that_is_allowed() -> None:
    names = [field.name for field in fields(Settings)]
    assert names[: len(SETTINGS)] == [setting.name for setting in SETTINGS]
    for setting in SETTINGS:
        assert setting.default is None or setting.checked(setting.default) == setting.default


def test_the_defaults_are_those_of_the_interface() -> None:
    sampling = of().sampling
    assert (sampling.temperature, sampling.top_k, sampling.top_p) == (0.64, 51, 0.63)
    assert (sampling.repetition_penalty, sampling.seed, sampling.stop) == (1.21, None, ())
    assert of().data_dir == Path("/home/ada/.local/share/llamacli")
    assert set(of().sources.values()) == {"default"}


def test_an_option_beats_the_sources_and_the_first_source_beats_the_others() -> None:
    first, second = source(LLAMACLI_SEED="1"), source("./.env", LLAMACLI_SEED="2", LLAMACLI_TOP_K="2")
    assert of({"seed": 0}, first, second).seed == 0
    assert of({"seed": None}, first, second).seed == 1
    assert of({}, first, second).top_k == 2


def test_each_value_says_where_it_comes_from() -> None:
    found = of({"seed": 0}, source(LLAMACLI_TOP_K="1"), source("./.env", LLAMACLI_TOP_P="0.5")).sources
    assert found["seed"] == "option --seed"
    assert found["top_k"] == "LLAMACLI_TOP_K in the environment"
    assert found["top_p"] == "LLAMACLI_TOP_P in ./.env"
    assert found["model"] == "default"


def test_an_empty_text_is_no_value() -> None:
    assert of({}, source(LLAMACLI_SEED="", LLAMACLI_MODEL="")).seed is None


def test_the_first_name_of_the_hub_token_counts() -> None:
    assert of({}, source(HUGGING_FACE_TOKEN="b")).hub_token == "b"
    assert of({}, source(HUGGING_FACE_TOKEN="b", HF_TOKEN="a")).hub_token == "a"


def test_an_untrusted_source_does_not_move_directories_and_says_so() -> None:
    found = of({}, source("./.env", trusted=False, LLAMACLI_CACHE_DIR="/theirs", LLAMACLI_SEED="2"))
    assert found.cache_dir == Path("/home/ada/.cache/llamacli")
    assert found.seed == 2
    assert found.notices == ("LLAMACLI_CACHE_DIR in ./.env is ignored: put it into your environment instead.",)


def test_below_an_untrusted_source_a_trusted_one_still_counts() -> None:
    theirs = source("./.env", trusted=False, LLAMACLI_CACHE_DIR="/theirs")
    assert of({}, theirs, source("the configuration", LLAMACLI_CACHE_DIR="/mine")).cache_dir == Path("/mine")


def test_repeated_texts_are_kept_in_order() -> None:
    assert of({"stop": ["a", "b"]}).stop == ("a", "b")
    assert of({"stop": []}, source(LLAMACLI_STOP="c")).stop == ("c",)


@pytest.mark.parametrize(("text", "value"), [("1", True), ("YES", True), ("off", False), ("False", False)])
def test_flags_are_words(text: str, value: bool) -> None:
    assert of({}, source(LLAMACLI_OFFLINE=text)).offline is value


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("max_tokens", ["0", "-1", "many", "1.5"], ["1", "100000"]),
        ("temperature", ["-0.1", "5.1", "nan", "inf", "warm"], ["0", "5", "0.64"]),
        ("top_k", ["-1", "x"], ["0", "51"]),
        ("top_p", ["0", "1.01", "-1", "nan"], ["0.01", "1"]),
        ("repetition_penalty", ["0", "11"], ["0.1", "1", "10"]),
        ("seed", ["-1", str(2**63)], ["0", str(2**63 - 1)]),
        ("complexity", ["deep", "LOW"], ["auto", "off", "high"]),
        ("device", ["gpu", "cuda:", "cuda:x", "none", "cpu "], ["cpu", "cuda", "cuda:1", "mps"]),
        ("classifier_device", ["gpu"], ["none", "cuda:0"]),
        ("quantization", ["2bit"], ["4bit", "8bit", "none"]),
        ("offline", ["maybe"], ["on"]),
    ],
)
def test_what_is_out_of_range_is_refused_with_its_origin(name: str, bad: list[str], good: list[str]) -> None:
    variable = TABLE[name].environment[0]
    for text in bad:
        with pytest.raises(BadUsage) as refused:
            of({}, Source("the environment", {variable: text}))
        assert repr(text) in refused.value.message
        assert f"{variable} in the environment" in refused.value.message
        assert refused.value.reason == f"It may be: {TABLE[name].range}."
    for text in good:
        of({}, Source("the environment", {variable: text}))


@pytest.mark.parametrize(("name", "value"), [("max_tokens", 0), ("top_p", 1.5), ("device", "gpu"), ("temperature", -1)])
def test_options_are_held_to_the_same_ranges(name: str, value: object) -> None:
    with pytest.raises(BadUsage, match=f"option {TABLE[name].option}"):
        of({name: value})


def test_a_name_that_is_no_setting_is_said() -> None:
    sources = [Source("./.env", {"LLAMACLI_BOGUS": "1", "OTHER": "2"}, trusted=False)]
    assert resolve({}, sources, {}).notices == ("LLAMACLI_BOGUS in ./.env is ignored: there is no such setting.",)


@pytest.mark.parametrize("options", [{"model": ""}, {"device": ""}, {"top_k": 10**20}, {"max_tokens": 10**9}])
def test_what_could_only_fail_later_is_refused_at_once(options: dict[str, object]) -> None:
    with pytest.raises(BadUsage):
        resolve(options, [], {})
