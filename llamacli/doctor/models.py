"""The models on disk, the one that would be loaded, and where it would run."""

from collections.abc import Iterator
from dataclasses import replace

from llamacli.doctor.check import Check, Status
from llamacli.engine.survey import Survey
from llamacli.errors import LlamacliError
from llamacli.placement import (
    BART_LARGE_MNLI,
    LLAMA_3_1_8B,
    ModelShape,
    Placement,
    Wishes,
    choose_model,
    plan,
    plan_apart,
)
from llamacli.settings import Settings

DOWNLOAD_GB = 16.1
"""The weights of Llama 3.1 8B on the hub."""
COPY_GB = 5.7
"""The same in 4-bit, as they are saved for the next load."""


def token(survey: Survey, settings: Settings) -> Check:
    """Whether there is a token for the hub; never the token itself."""
    if settings.hub_token is not None:
        return Check("token", Status.OK, f"A hub token is set: {settings.sources['hub_token']}")
    if survey.logged_in:
        return Check("token", Status.OK, "There is a login of the Hugging Face hub on this machine")
    wanting = bool(survey.machine.usable()) and LLAMA_3_1_8B.name not in survey.stored
    remedy = "Accept the licence of Llama 3.1 8B Instruct on the Hugging Face hub and set HF_TOKEN."
    return Check("token", Status.WARN if wanting else Status.OK, "No hub token is set", remedy if wanting else "")


def stored(survey: Survey) -> Iterator[Check]:
    """The models on disk."""
    for name, stored in survey.stored.items():
        yield Check(f"model:{name}", Status.OK, f"{_size(stored.size)} in {stored.directory}")


def _size(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def settings(settings: Settings) -> Iterator[Check]:
    """What a `.env` in the working directory says, which somebody else may have written."""
    set_there = [name for name, source in settings.sources.items() if source.endswith(" in ./.env")]
    if set_there:
        finding = f"The file in this directory sets {', '.join(set_there)}"
        yield Check("./.env", Status.WARN, finding, "Look at the values with llamacli config.")
    if settings.notices:
        yield Check(
            "ignored", Status.WARN, " ".join(settings.notices), "Remove it from the file where it is not yours."
        )


def _wishes(settings: Settings) -> Wishes:
    return Wishes(settings.device, settings.classifier_device, settings.quantization)


def model(survey: Survey, settings: Settings) -> tuple[str, Check]:
    """The model that would be loaded, and why."""
    if settings.model != "auto":
        return settings.model, _named(survey, settings)
    try:
        choice = choose_model(
            survey.machine,
            llama_on_disk=LLAMA_3_1_8B.name in survey.stored,
            hub_token=settings.hub_token is not None or survey.logged_in,
            offline=settings.offline,
            wishes=_wishes(settings),
        )
    except LlamacliError as error:
        return "builtin", _refused("model", error)
    if choice.notice:
        remedy = "The built-in model works as it is; another one is chosen with --model."
        return choice.name, Check("model", Status.WARN, choice.notice, remedy)
    return choice.name, Check("model", Status.OK, f"auto is {choice.name}")


def _named(survey: Survey, settings: Settings) -> Check:
    """Whether the model that was asked for is there."""
    name = settings.model
    if name in survey.stored:
        return Check("model", Status.OK, f"{name}, as {settings.sources['model']} says")
    if name.startswith((".", "/", "~")):
        remedy = "Check the path, or use the built-in model: --model builtin"
        return Check("model", Status.FAIL, f"There is no complete model in {name}", remedy)
    remedy = f"Download it: llamacli models pull {name}"
    if settings.offline:
        return Check("model", Status.FAIL, f"{name} is not on disk, and offline it is not downloaded", remedy)
    return Check("model", Status.WARN, f"{name} is not on disk", remedy)


def placement(survey: Survey, settings: Settings, name: str) -> Check:
    """Where the models would run, and why."""
    stored = survey.stored.get(name)
    shape = stored.shape if stored else LLAMA_3_1_8B if name == LLAMA_3_1_8B.name else None
    if shape is None:
        finding = f"Where {name} runs is decided once it is on disk"
        return Check("placement", Status.WARN, finding, "Until then --model builtin works.")
    try:
        found = _planned(survey, settings, shape)
    except LlamacliError as error:
        return _refused("placement", error)
    status = Status.WARN if found.notices else Status.OK
    return Check("placement", status, found.reason, " ".join(found.notices))


def _planned(survey: Survey, settings: Settings, shape: ModelShape) -> Placement:
    """The places that the loader would choose: facebook/bart-large-mnli rates only on a card beside that of Llama."""
    wishes = _wishes(settings)
    if settings.model == "auto" and shape.name == "builtin":
        wishes = replace(wishes, quantization="auto")
    if shape.name == LLAMA_3_1_8B.name and (not settings.offline or BART_LARGE_MNLI.name in survey.stored):
        apart = plan_apart(survey.machine, shape, wishes)
        if apart is not None:
            return apart
    rater = survey.stored.get("builtin-classifier")
    return plan(survey.machine, shape, rater.shape if rater else None, wishes)


def needed_gb(survey: Survey, name: str) -> float:
    """What Llama still needs on disk, where it is the model."""
    if name != LLAMA_3_1_8B.name:
        return 0.0
    return COPY_GB if name in survey.stored else DOWNLOAD_GB + COPY_GB


def _refused(name: str, error: LlamacliError) -> Check:
    return Check(name, Status.FAIL, f"{error.message} {error.reason}".strip(), error.hint)
