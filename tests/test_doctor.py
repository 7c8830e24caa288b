"""What a machine can run, and what to do about what it cannot: told by surveys of machines that are not here."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llamacli.doctor import Check, Diagnosis, Status, diagnose
from llamacli.engine.survey import Stored, Survey
from llamacli.placement import BART_LARGE_MNLI, Gpu
from tests.placement.machines import BUSY_4090, GTX_1050, OLD_1050, RTX_2080, RTX_4090, TINY, decoder, machine
from tests.settings import settings

HUB, CACHE = Path("/hub"), Path("/cache")
RATER = replace(BART_LARGE_MNLI, name="the built-in classifier", other=1_000_000, embeddings=900_000)
BUILTIN = {
    "builtin": Stored(Path("/package/model"), 20_000_000, TINY),
    "builtin-classifier": Stored(Path("/package/classifier"), 4_000_000, RATER),
}
LLAMA = {
    "llama-3.1-8b": Stored(HUB / "llama", 16_100_000_000, decoder("llama-3.1-8b")),
    BART_LARGE_MNLI.name: Stored(HUB / "bart", 1_600_000_000, BART_LARGE_MNLI),
}


def survey(*gpus: Gpu, **changes: Any) -> Survey:
    """A machine with these cards, a fitting torch and much room on disk."""
    plain = Survey(machine(*gpus), "12.6" if gpus else "", bool(gpus), "", False, BUILTIN, {HUB: 10**12, CACHE: 10**12})
    return replace(plain, **changes)


def diagnosed(found: Survey, environ: dict[str, str] | None = None, **options: Any) -> Diagnosis:
    return diagnose(found, settings(**options), environ or {})


def check(diagnosis: Diagnosis, name: str) -> Check:
    [found] = [each for each in diagnosis.checks if each.id == name]
    return found


def test_a_machine_without_a_card_runs_the_built_in_model_and_is_told_why() -> None:
    diagnosis = diagnosed(survey())
    assert diagnosis.can_run
    assert check(diagnosis, "cuda").status is Status.OK
    assert check(diagnosis, "model").status is Status.WARN
    assert "needs a CUDA card" in check(diagnosis, "model").finding
    assert "on the CPU" in check(diagnosis, "placement").finding


def test_two_old_cards_with_everything_on_disk_are_what_the_tool_is_for() -> None:
    diagnosis = diagnosed(survey(RTX_2080, GTX_1050, stored={**BUILTIN, **LLAMA}))
    assert [each.id for each in diagnosis.checks if each.status is not Status.OK] == []
    assert check(diagnosis, "cuda:0").finding == (
        "RTX 2080, compute capability 7.5, 7,600 of 7,982 MiB free, computes in float16"
    )
    assert check(diagnosis, "model").finding == "auto is llama-3.1-8b"
    assert "4-bit on RTX 2080 (cuda:0)" in check(diagnosis, "placement").finding
    assert "classifier runs on GTX 1050 (cuda:1)" in check(diagnosis, "placement").finding
    assert check(diagnosis, f"model:{BART_LARGE_MNLI.name}").finding == "1.6 GB in /hub/bart"


def test_a_card_without_kernels_is_told_which_build_has_them() -> None:
    diagnosis = diagnosed(survey(RTX_2080, OLD_1050, stored={**BUILTIN, **LLAMA}))
    card = check(diagnosis, "cuda:1")
    assert (card.status, "cannot be used" in card.finding) == (Status.WARN, True)
    assert "the CUDA 12.6 build" in card.remedy
    assert "Until then the complexity classifier" in check(diagnosis, "placement").remedy
    assert diagnosis.can_run


def test_a_busy_card_is_told_to_be_busy() -> None:
    assert "Close the other programs" in check(diagnosed(survey(BUSY_4090)), "cuda:0").remedy


@pytest.mark.parametrize(("cuda", "remedy"), [("", "Install a CUDA build of PyTorch"), ("13.0", "nvidia-smi")])
def test_a_driver_whose_card_torch_does_not_see_is_a_warning(cuda: str, remedy: str) -> None:
    found = check(diagnosed(survey(cuda=cuda, driver=True)), "cuda")
    assert found.status is Status.WARN
    assert remedy in found.remedy


def test_what_a_download_needs_is_a_token_and_room() -> None:
    diagnosis = diagnosed(survey(RTX_4090))
    assert "HF_TOKEN" in check(diagnosis, "token").remedy
    short = survey(RTX_4090, free_bytes={HUB: 10**10, CACHE: 10**12})
    diagnosis = diagnosed(short, hub_token="hf_secret")
    assert check(diagnosis, "token").status is Status.OK
    assert check(diagnosis, "disk-hub").status is Status.WARN
    assert "needs 22 GB" in check(diagnosis, "disk-hub").remedy
    assert check(diagnosis, "disk-cache").status is Status.OK
    assert "hf_secret" not in str(diagnosis)
    assert check(diagnosed(survey(RTX_4090, logged_in=True)), "model").finding == "auto is llama-3.1-8b"


def test_a_bitsandbytes_that_cannot_quantize_fails_and_the_rest_goes_on() -> None:
    diagnosis = diagnosed(survey(RTX_4090, bitsandbytes_fault="no library for CUDA 14.0"))
    assert check(diagnosis, "bitsandbytes").status is Status.FAIL
    assert "CUDA 14.0" in check(diagnosis, "bitsandbytes").finding
    assert diagnosis.can_run


def test_a_wish_that_cannot_be_obeyed_is_all_that_is_said_of_the_model() -> None:
    diagnosis = diagnosed(survey(), device="cuda:1")
    assert not diagnosis.can_run
    assert check(diagnosis, "model").status is Status.FAIL
    assert "--device auto" in check(diagnosis, "model").remedy
    assert "placement" not in {each.id for each in diagnosis.checks}


@pytest.mark.parametrize(
    ("model", "options", "status", "remedy"),
    [
        ("builtin", {}, Status.OK, ""),
        ("someone/model", {}, Status.WARN, "models pull someone/model"),
        ("someone/model", {"offline": True}, Status.FAIL, "models pull someone/model"),
        ("./nowhere", {}, Status.FAIL, "--model builtin"),
    ],
)
def test_a_model_that_was_asked_for(model: str, options: dict[str, Any], status: Status, remedy: str) -> None:
    diagnosis = diagnosed(survey(), model=model, **options)
    assert check(diagnosis, "model").status is status
    assert remedy in check(diagnosis, "model").remedy
    assert diagnosis.can_run == (status is not Status.FAIL)


def test_a_model_too_big_for_the_machine_cannot_run() -> None:
    diagnosis = diagnosed(survey(machine=machine(ram=4_000), stored=LLAMA), model="llama-3.1-8b")
    assert not diagnosis.can_run
    assert "does not fit" in check(diagnosis, "placement").finding
    assert check(diagnosis, "placement").remedy


@pytest.mark.parametrize(
    ("name", "value", "surprises"),
    [
        ("CUDA_VISIBLE_DEVICES", "", True),
        ("CUDA_VISIBLE_DEVICES", "1", True),
        ("PYTORCH_ALLOC_CONF", "expandable_segments:True", False),
        ("PYTORCH_ALLOC_CONF", "max_split_size_mb:64", True),
        ("PYTORCH_CUDA_ALLOC_CONF", "backend:native", True),
        ("HF_HUB_OFFLINE", "1", True),
        ("HF_HUB_OFFLINE", "0", False),
        ("OMP_NUM_THREADS", "1", True),
        ("OMP_WAIT_POLICY", "PASSIVE", False),
    ],
)
def test_variables_that_surprise(name: str, value: str, surprises: bool) -> None:
    found = [each for each in diagnosed(survey(), {name: value}).checks if each.id == name]
    assert [(each.status, bool(each.remedy)) for each in found] == [(Status.WARN, True)] * surprises


def test_every_check_that_is_not_ok_has_a_remedy_and_every_id_is_its_own() -> None:
    for found in (survey(), survey(RTX_2080, OLD_1050), survey(BUSY_4090), survey(driver=True)):
        checks = diagnosed(found, {"OMP_NUM_THREADS": "1"}, model="someone/model").checks
        assert [each.id for each in checks if each.status is not Status.OK and not each.remedy] == []
        assert len({each.id for each in checks}) == len(checks)
