"""What a chat tells of its conversation, kept in the history."""

import secrets
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

from llamacli.chat import Turn
from llamacli.errors import BadUsage, HistoryFailed
from llamacli.history.store import Deleted, History
from llamacli.history.values import Draft, Entry, Held, Saved
from llamacli.messages import Conversation, Role


class Recording:
    """A `Recorder` that saves the conversation of one chat after every change, if it is `saving`.

    What cannot be saved costs a notice; the next change saves all of it. How the answers were made is remembered from
    the beginning, so that `save` can begin to save at any time.
    """

    def __init__(self, path: Path, *, saving: bool) -> None:
        self.history = History(path)
        self.saving = saving
        self._said: set[str] = set()
        self._notices: list[str] = []
        self.begin()

    @property
    def id(self) -> str | None:
        """The id of what is saved, None where it is not."""
        return self._held.id if self._held is not None and self.saving else None

    def begin(self) -> None:
        """What is recorded from now on is another conversation."""
        self._writer = secrets.token_hex(8)
        self._held: Held | None = None
        self._draft = Draft(None, date.today(), ())

    def load(self, beginning: str) -> Saved:
        """Go on with the conversation whose id begins so. Raises what `History.read` raises."""
        saved = self.history.read(beginning)
        self.begin()
        self._held, self._draft = saved.held, saved.draft
        return saved

    def record(self, conversation: Conversation, turn: Turn | None, /) -> None:
        """Save the conversation as it is now. A signal that breaks this is raised when it is done all the same."""
        self._draft = self._drafted(conversation, turn)
        if self.saving and (self._draft.entries or self._held is not None):
            try:
                self._write_or_tell()
            except (KeyboardInterrupt, SystemExit):
                self._write_or_tell()
                raise

    def save(self, title: str) -> str:
        """Save it from now on, under this title if it is not empty; the id. Raises HistoryFailed where that fails."""
        if not self._draft.entries:
            raise BadUsage("There is nothing to save yet.", hint="Ask something first.")
        if title:
            self._draft = Draft(self._draft.system, self._draft.started, self._draft.entries, " ".join(title.split()))
        held = self._write()
        if self._draft.title:
            self.history.rename(held.id, self._draft.title)
        self.saving = True
        return held.id

    def notices(self) -> Iterator[str]:
        """What a person should know and was not told yet."""
        while self._notices:
            yield self._notices.pop(0)

    def _write_or_tell(self) -> None:
        before = self._held
        try:
            held = self._write()
        except Deleted as error:
            self.saving, self._held = False, None
            self._tell(f"{error.message} It is not saved any more. {error.hint}")
        except HistoryFailed as error:
            self._tell(f"The conversation is not saved. {error.message} {error.reason} {error.hint}")
        else:
            if before is not None and held.id != before.id:
                self._tell(f"Another program went on with the conversation {before.id}; this one is now {held.id}.")

    def _write(self) -> Held:
        self._held = self.history.write(self._draft, self._held, self._writer)
        return self._held

    def _tell(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._notices.append(text)

    def _drafted(self, conversation: Conversation, turn: Turn | None) -> Draft:
        known = self._draft.entries
        said = [message for message in conversation.messages if message.role is not Role.SYSTEM]
        same = takewhile(lambda pair: pair[0].message == pair[1], zip(known, said, strict=False))
        entries = [entry for entry, _ in same]
        entries += [Entry(message) for message in said[len(entries) :]]
        if turn is not None:
            begun = known[-1].made if turn.extends and len(known) == len(entries) else ()
            entries[-1] = Entry(entries[-1].message, (*begun, _made(turn, conversation.system)))
        return Draft(conversation.system, conversation.started, tuple(entries), self._draft.title)


def _made(turn: Turn, system: str | None) -> dict[str, Any]:
    finished, complexity = turn.report.finished, turn.report.complexity
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": turn.model,
        "system": system,
        "sampling": asdict(turn.sampling),
        "complexity": None if complexity is None else asdict(complexity),
        "finish_reason": finished.reason.value,
        "usage": asdict(finished.usage),
        "timings": asdict(finished.timings) | {"classify_s": turn.report.classify_s},
    }
