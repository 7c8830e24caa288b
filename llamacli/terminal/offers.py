"""What Tab offers as the argument of a slash command, as far as it is typed."""

import os
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeAlias

from llamacli.complexity import Level
from llamacli.history import FILE_NAME, History
from llamacli.models import StoredModel, list_models
from llamacli.sampling import Sampling
from llamacli.settings import TABLE, Setting, Settings

SETTABLE = (*(field.name for field in fields(Sampling)), "max_tokens")
"""What `/set` changes."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An argument, and what is said beside it; `shown` in the list where the argument itself is too long."""

    text: str
    said: str = ""
    shown: str = ""


Offers: TypeAlias = Callable[[Settings, str], Iterable[Offer]]


def none_at_all(_settings: Settings, _typed: str) -> Iterable[Offer]:
    """For a command that takes nothing, or anything."""
    return ()


def no_system(_settings: Settings, typed: str) -> Iterable[Offer]:
    """What removes the system prompt."""
    return _beginning(typed, [Offer("none", "no system prompt")])


def levels(_settings: Settings, typed: str) -> Iterable[Offer]:
    """The levels of complexity and their budgets."""
    said = {level.value: f"{level.max_tokens} tokens" for level in Level}
    said |= {"auto": "the classifier decides", "off": f"no classifier, {Level.MEDIUM.max_tokens} tokens"}
    return _beginning(typed, (Offer(level, said[level]) for level in TABLE["complexity"].choices))


def settable(_settings: Settings, typed: str) -> Iterable[Offer]:
    """The names that `/set` knows, and behind a name the values that stand out."""
    name, space, _ = typed.partition(" ")
    if not space:
        return _beginning(name, (Offer(each, f"{TABLE[each].range}: {TABLE[each].help}") for each in SETTABLE))
    name = name.replace("-", "_")
    values = _values(TABLE[name]) if name in SETTABLE else ()
    return _beginning(typed, (Offer(f"{typed.partition(' ')[0]} {each.text}", each.said, each.text) for each in values))


def _values(setting: Setting) -> Iterator[Offer]:
    if setting.name == "max_tokens":
        yield from (Offer(str(level.max_tokens), f"as {level} earns") for level in Level)
    elif setting.default not in (None, ()):
        yield Offer(f"{setting.default}", "default")
    if setting.default in (None, ()):
        yield Offer("none", "default")
    for limit, said in ((setting.minimum, "the least"), (setting.maximum, "the most")):
        if limit is not None:
            yield Offer(f"{limit}", said)


def conversations(settings: Settings, typed: str) -> Iterable[Offer]:
    """The saved conversations whose id begins so, or whose title holds it, the newest first."""
    for saved in History(settings.data_dir / FILE_NAME).summaries():
        if saved.id.startswith(typed.lower()) or typed.casefold() in saved.title.casefold():
            yield Offer(saved.id, saved.title)


def models(settings: Settings, typed: str) -> Iterable[Offer]:
    """The presets and the models on disk; directories, where a path is typed."""
    if typed.startswith((".", "/", "~")):
        return files(settings, typed)
    known = [Offer("auto", "what this machine can run, or the server has")]
    if not settings.endpoint:
        known += [
            Offer(model.id, _where(model))
            for model in list_models(settings)
            if model.kind != "copy" and (model.complete or model.path is None)
        ]
    return _beginning(typed, known)


def _where(model: StoredModel) -> str:
    if model.kind == "builtin":
        return "built in"
    return "not on disk" if model.path is None else f"{model.bytes / 1e9:,.1f} GB on disk"


def files(_settings: Settings, typed: str) -> Iterable[Offer]:
    """The files and directories whose path begins so; quotes that were opened are closed behind a file."""
    quote = typed[:1] if typed[:1] in ("'", '"') else ""
    path = typed.removeprefix(quote)
    beginning = path.rpartition("/")[2]
    above = path.removesuffix(beginning)
    try:
        entries = sorted(os.scandir(Path(above or ".").expanduser()), key=lambda entry: entry.name)
    except (OSError, RuntimeError):  # no such directory; no such user
        return
    for entry in entries:
        name = entry.name
        if name.startswith(beginning) and name.startswith(".") <= beginning.startswith(".") and name.isprintable():
            end = "/" if entry.is_dir() else quote
            yield Offer(f"{quote}{above}{name}{end}", shown=name + end.removesuffix(quote or "\0"))


def path_of(argument: str) -> str:
    """The path that an argument means: in quotes, or with backslashes, as terminals paste what is dropped on them."""
    quoted = len(argument) > 1 and argument[0] == argument[-1] and argument[0] in "'\""
    if quoted:
        return argument[1:-1]
    if "\\" in argument and not os.path.exists(argument):
        try:
            return " ".join(shlex.split(argument))
        except ValueError:  # a quote that stays open
            return argument
    return argument


def _beginning(typed: str, offers: Iterable[Offer]) -> list[Offer]:
    return [offer for offer in offers if offer.text.startswith(typed)]
