"""The one table of settings, and where each value comes from.

An option beats the environment, which beats `.env` in the working directory, which beats `.env` in the
configuration directory, which beats the default.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from llamacli.errors import BadUsage
from llamacli.paths import default_directory
from llamacli.sampling import Sampling

Kind = Literal["text", "texts", "integer", "number", "flag", "directory"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: what it is called, what it may be, what it means.

    `trusted` settings are not taken from a `.env` in the working directory, which somebody else may have written.
    """

    name: str
    kind: Kind
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    pattern: str = ""
    minimum: float | None = None
    maximum: float | None = None
    variables: tuple[str, ...] = ()
    trusted: bool = False
    secret: bool = False

    @property
    def option(self) -> str:
        """The name on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def environment(self) -> tuple[str, ...]:
        """The names in the environment and in `.env`, the first that is set counts."""
        return self.variables or ("LLAMACLI_" + self.name.upper(),)

    @property
    def range(self) -> str:
        """The values it may have, for people."""
        if self.choices or self.pattern:
            return ", ".join(self.choices) or self.pattern.replace("|", ", ").replace(r"cuda(:\d+)?", "cuda, cuda:N")
        if self.minimum is None:
            return {"flag": "true, false", "texts": "text"}.get(self.kind, self.kind)
        return f"{self.minimum:,} and more" if self.maximum is None else f"{self.minimum:,} to {self.maximum:,}"

    def parse(self, text: str) -> Any:
        """The value that `text` stands for; ValueError where it stands for none."""
        if self.kind == "flag":
            return _FLAGS[text.strip().lower()] if text.strip().lower() in _FLAGS else _refuse()
        if self.kind == "integer":
            return self.checked(int(text))
        if self.kind == "number":
            return self.checked(float(text))
        if self.kind == "directory":
            return _directory(text)
        return (text,) if self.kind == "texts" else self.checked(text)

    def checked(self, value: Any) -> Any:
        """The value itself; ValueError where it is out of range."""
        if (self.choices and value not in self.choices) or (value == "" and self.default is not None):
            _refuse()
        if self.pattern and not re.fullmatch(self.pattern, value):
            _refuse()
        if self.minimum is not None and not self.minimum <= value <= (self.maximum or float("inf")):
            _refuse()
        return value


_FLAGS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def _refuse() -> Any:
    raise ValueError


def _directory(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # there is no such user
        raise ValueError from error


_DEVICE = r"auto|cpu|cuda(:\d+)?|mps"

_MANY = 1_000_000

SETTINGS: tuple[Setting, ...] = (
    Setting("model", "text", "auto", "Preset (auto, builtin, llama-3.1-8b), hub id or directory."),
    Setting("system", "text", None, "System prompt."),
    Setting(
        "complexity", "text", "auto",
        "Level that sets the token budget; auto asks the classifier, off takes medium without one.",
        choices=("auto", "low", "medium", "high", "off"),
    ),
    Setting(
        "max_tokens", "integer", None, "Most new tokens, in place of the complexity's budget.",
        minimum=1, maximum=_MANY,
    ),
    Setting("temperature", "number", 0.64, "Randomness; 0 is greedy.", minimum=0, maximum=5),
    Setting(
        "top_k", "integer", 51, "Sample among so many of the likeliest tokens; 0 is all.", minimum=0, maximum=_MANY
    ),
    Setting(
        "top_p", "number", 0.63, "Sample among the likeliest tokens up to this probability.", minimum=0.01, maximum=1
    ),
    Setting(
        "repetition_penalty", "number", 1.21, "How much seen tokens are avoided; 1 is not at all.",
        minimum=0.1, maximum=10,
    ),
    Setting("seed", "integer", None, "The same seed gives the same answer.", minimum=0, maximum=2**63 - 1),
    Setting("stop", "texts", (), "Text at which the answer ends (repeatable)."),
    Setting("device", "text", "auto", "Where the model runs.", pattern=_DEVICE),
    Setting("classifier_device", "text", "auto", "Where the classifier runs.", pattern=_DEVICE + "|none"),
    Setting(
        "quantization", "text", "auto", "Precision of the model's weights.", choices=("auto", "4bit", "8bit", "none")
    ),
    Setting(
        "render", "text", "auto", "Look of the answer; auto is markdown on a terminal, plain elsewhere.",
        choices=("auto", "markdown", "plain"),
    ),
    Setting("stats", "flag", False, "Show times, tokens and memory after the answer."),
    Setting("offline", "flag", False, "Never touch the network."),
    Setting(
        "hub_token", "text", None, "Token for models of the hub.",
        variables=("HF_TOKEN", "HUGGING_FACE_TOKEN"), secret=True,
    ),
    Setting("config_dir", "directory", None, "Directory of the configuration.", trusted=True),
    Setting("data_dir", "directory", None, "Directory of the data.", trusted=True),
    Setting("cache_dir", "directory", None, "Directory of caches.", trusted=True),
)  # fmt: skip
TABLE: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class Settings:
    """A value for every row of the table; `sources` says where each comes from, `notices` what was ignored."""

    model: str
    system: str | None
    complexity: str
    max_tokens: int | None
    temperature: float
    top_k: int
    top_p: float
    repetition_penalty: float
    seed: int | None
    stop: tuple[str, ...]
    device: str
    classifier_device: str
    quantization: str
    render: str
    stats: bool
    offline: bool
    hub_token: str | None
    config_dir: Path
    data_dir: Path
    cache_dir: Path
    sources: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    @property
    def sampling(self) -> Sampling:
        """The settings that choose tokens."""
        return Sampling(**{f.name: getattr(self, f.name) for f in fields(Sampling)})


@dataclass(frozen=True, slots=True)
class Source:
    """Named texts, such as the environment or a `.env` file; `where` is how a person would call it."""

    where: str
    texts: Mapping[str, str | None]
    trusted: bool = True


def resolve(options: Mapping[str, Any], sources: Sequence[Source], environ: Mapping[str, str]) -> Settings:
    """The settings, from the options given and the sources in falling order; `environ` places the directories.

    Raises BadUsage where a value is not allowed, naming the value, its origin and the range.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    notices: list[str] = []
    for source in sources:
        notices += _unknown(source)
    for setting in SETTINGS:
        values[setting.name], origins[setting.name] = _value(setting, options, sources, environ, notices)
    return Settings(**values, sources=origins, notices=tuple(notices))


def _unknown(source: Source) -> list[str]:
    """A notice for each name that looks like a setting and is none."""
    known = {variable for setting in SETTINGS for variable in setting.environment}
    names = sorted(name for name in source.texts if name.startswith("LLAMACLI_") and name not in known)
    return [f"{name} in {source.where} is ignored: there is no such setting." for name in names]


def _value(
    setting: Setting,
    options: Mapping[str, Any],
    sources: Sequence[Source],
    environ: Mapping[str, str],
    notices: list[str],
) -> tuple[Any, str]:
    given = options.get(setting.name)
    if given is not None and given != []:
        value = tuple(given) if setting.kind == "texts" else given
        return _check(setting, value, f"option {setting.option}"), f"option {setting.option}"
    for source in sources:
        for variable in setting.environment:
            text = source.texts.get(variable)
            if not text:
                continue
            if setting.trusted and not source.trusted:
                notices.append(f"{variable} in {source.where} is ignored: put it into your environment instead.")
                continue
            return _parse(setting, text, f"{variable} in {source.where}"), f"{variable} in {source.where}"
    if setting.kind == "directory":
        return default_directory(setting.name.removesuffix("_dir"), environ), "default"
    return setting.default, "default"


def _parse(setting: Setting, text: str, origin: str) -> Any:
    try:
        return setting.parse(text)
    except ValueError:
        raise _not_allowed(setting, text, origin) from None


def _check(setting: Setting, value: Any, origin: str) -> Any:
    try:
        return setting.checked(value)
    except (ValueError, TypeError):
        raise _not_allowed(setting, value, origin) from None


def _not_allowed(setting: Setting, value: object, origin: str) -> BadUsage:
    return BadUsage(
        f"{value!r} is not a value of {setting.name.replace('_', ' ')} ({origin}).",
        reason=f"It may be: {setting.range}.",
        hint="Change it or leave it out.",
    )


assert set(get_args(Kind)) >= {setting.kind for setting in SETTINGS}
