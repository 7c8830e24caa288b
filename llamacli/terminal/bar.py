"""The line below the prompt: what is loaded, and how the last turn went, as far as the terminal is wide enough."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prompt_toolkit.utils import get_cwidth

from llamacli.chat import ChatSession, TurnReport
from llamacli.terminal.results import Chat
from llamacli.terminal.sanitize import sanitize

_BETWEEN = " · "


@dataclass(frozen=True, slots=True)
class Item:
    """A part of the line: its `forms` from the longest to the shortest; of two, the heavier one is kept longer."""

    weight: int
    forms: tuple[str, ...]


def fitted(items: Sequence[Item], columns: int) -> str:
    """The items in their order, each of them whole: as many as fit, then as long as they fit, the heaviest first."""
    heaviest_first = sorted(range(len(items)), key=lambda place: -items[place].weight)
    chosen: dict[int, str] = {}
    for place in heaviest_first:
        shortest = {place: items[place].forms[-1]}
        if get_cwidth(_line(chosen | shortest)) <= columns:
            chosen |= shortest
    for place in (place for place in heaviest_first if place in chosen):
        longer = ({place: form} for form in items[place].forms)
        chosen |= next(each for each in longer if get_cwidth(_line(chosen | each)) <= columns)
    return _line(chosen)


def _line(chosen: dict[int, str]) -> str:
    return _BETWEEN.join(chosen[place] for place in sorted(chosen))


def chat_items(chat: Chat, loading: str, *, replaces: bool) -> list[Item]:
    """What there is to say of a chat; `loading` is how far its model is, `replaces` whether a draft does the last turn.

    A file name, or a model's, is made harmless.
    """
    items = [*_model_items(chat, loading), *_turn_items(chat.session)]
    if chat.attached:
        names = ", ".join(name for name, _ in chat.attached)
        count = "1 file" if len(chat.attached) == 1 else f"{len(chat.attached)} files"
        items.append(Item(7, (f"with {names}", f"with {count}")))
    if replaces:
        items.append(Item(8, ("replaces the last turn", "replaces")))
    return [Item(item.weight, tuple(sanitize(form).replace("\n", " ") for form in item.forms)) for item in items]


def _model_items(chat: Chat, loading: str) -> Iterator[Item]:
    if loading:
        yield Item(6, _names(chat.settings.model))
        yield Item(9, (loading, "loading"))
    else:
        info = chat.session.models.engine.info
        yield Item(6, _names(info.model))
        yield Item(3, (info.device,))


def _names(model: str) -> tuple[str, ...]:
    """A model's name, and the end of it, where it is a path or a hub id."""
    end = model.rstrip("/").rpartition("/")[2]
    return (model, end) if end and end != model else (model,)


def _turn_items(session: ChatSession) -> Iterator[Item]:
    if session.last is not None:
        yield from _complexity_items(session.last)
    if (used := session.context_tokens) is not None:
        window = session.models.engine.info.context_window
        yield Item(5, _context(used, window) if window else (f"context {used:,}",))
    if session.last is not None and (speed := session.last.finished.timings.tokens_per_s):
        yield Item(2, (f"{speed:.1f} tokens/s", f"{speed:.0f}/s"))


def _complexity_items(report: TurnReport) -> Iterator[Item]:
    if (rated := report.complexity) is not None:
        yield Item(4, (f"{rated.level}, {rated.max_tokens:,} tokens", str(rated.level)))


def _context(used: int, window: int) -> tuple[str, ...]:
    share = f"{used / window:.0%}"
    return f"context {used:,} of {window:,}", f"context {share}", share
