"""Ends an answer at a stop text, wherever the pieces of it are cut."""

from collections.abc import Sequence


class StopTexts:
    """A stage with `feed` and `finish`: the joined pieces are the text before the first stop text.

    Text that might be the beginning of a stop text is held back until it is known not to be one.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._held = ""
        self.found = False

    def feed(self, text: str) -> str:
        """What may be shown after `text` arrived; nothing more once a stop text was found."""
        if self.found:
            return ""
        self._held += text
        if places := [place for stop in self._stops if (place := self._held.find(stop)) >= 0]:
            self.found = True
            return self._release(min(places))
        return self._release(len(self._held) - self._longest_beginning())

    def finish(self) -> str:
        """What was held back and is no stop text after all."""
        return "" if self.found else self._release(len(self._held))

    def _release(self, length: int) -> str:
        text, self._held = self._held[:length], self._held[length:]
        return text

    def _longest_beginning(self) -> int:
        longest = max((len(stop) for stop in self._stops), default=0)
        lengths = range(min(longest - 1, len(self._held)), 0, -1)
        return next((n for n in lengths if any(s.startswith(self._held[-n:]) for s in self._stops if len(s) > n)), 0)
