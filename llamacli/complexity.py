"""How long a good answer has to be: the level of a prompt, and the budget of new tokens that it earns."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """The complexity of a prompt."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def max_tokens(self) -> int:
        """The budget of new tokens."""
        return _BUDGETS[self]


_BUDGETS = {Level.LOW: 100, Level.MEDIUM: 250, Level.HIGH: 500}


@dataclass(frozen=True, slots=True)
class Classification:
    """A level and the probability of each; `scores` is None where a person chose the level."""

    level: Level
    scores: Mapping[Level, float] | None


def from_scores(scores: Mapping[Level, float]) -> Classification:
    """The likeliest level, scores scaled to sum to 1; of equals the longer budget, which cuts nothing."""
    total = sum(scores[level] for level in Level)
    shares = {level: scores[level] / total for level in Level}
    return Classification(max(Level, key=lambda level: (shares[level], level.max_tokens)), shares)


@dataclass(frozen=True, slots=True)
class Budget:
    """How many new tokens an answer may have: `at_least` so many, the rest perhaps still being decided.

    An answer can begin before its level is known, because every level allows the low budget. An engine calls `begin`,
    which starts the decision, when a device is busy with the prompt: earlier, the decision would take the processor
    from those who give the device its work. Once `gone` says so, nobody waits for the answer any more: it stops within
    a token, without a Finished.
    """

    at_least: int
    decided: "Future[int] | None" = None
    begin: Callable[[], None] = lambda: None
    gone: Callable[[], bool] = lambda: False

    def allows(self, generated: int, cancelled: Callable[[], bool] = lambda: False) -> bool:
        """Whether one more token may follow `generated` ones; waits for the decision only when it is needed.

        False once `cancelled` says so; raises what the decision raised.
        """
        if generated < self.at_least:
            return True
        self.begin()
        while self.decided is not None and not cancelled():
            try:
                return generated < self.decided.result(timeout=0.05)
            except TimeoutError:
                continue
        return False
