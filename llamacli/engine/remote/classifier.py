"""The classifier of a running `llamacli serve`."""

from collections.abc import Iterator, Sequence

from llamacli.complexity import Classification, Level
from llamacli.engine.remote.connection import Connection, Patience
from llamacli.engine.remote.failures import broken_off

_BATCH = 500
"""Prompts of one request."""


class RemoteClassifier:
    """A `Classifier` that runs on our own server."""

    def __init__(self, url: str, key: str, device: str) -> None:
        self.device = device
        self._connection = Connection(url, key, Patience(answer_s=600))

    def classify(self, prompts: Sequence[str]) -> list[Classification]:
        """Rate each prompt."""
        return [
            each for begin in range(0, len(prompts), _BATCH) for each in self._rate(prompts[begin : begin + _BATCH])
        ]

    def _rate(self, prompts: Sequence[str]) -> Iterator[Classification]:
        told = self._connection.post("/v1/classify", {"input": list(prompts)})
        try:
            for each in told["data"]:
                scores = each["scores"]
                yield Classification(
                    Level(each["level"]), None if scores is None else {level: float(scores[level]) for level in Level}
                )
        except (LookupError, TypeError, ValueError) as error:
            raise broken_off(self._connection.url, "It did not answer with levels.") from error

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()
