"""The one table of settings, and where each value comes from.

An option beats the environment, which beats `.env` in the working directory, which beats `.env` in the
configuration directory, which beats the default.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from llamacli.errors import BadUsage
from llamacli.paths import default_directory
from llamacli.sampling import Sampling
from llamacli.settings.table import SETTINGS, TABLE, Setting

__all__ = ["SETTINGS", "TABLE", "Setting", "Settings", "Source", "resolve"]


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
    endpoint: str | None
    api_key: str | None
    server: bool
    render: str
    save: bool
    stats: bool
    compile: bool
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
            if setting.needs_trust and not source.trusted:
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
