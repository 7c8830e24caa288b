"""What has happened so far, in Prometheus' text format."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from llamacli.events import Finished
from llamacli.server.residence import Residence, Turns


@dataclass
class Metrics:
    """Counters since the start."""

    requests: Counter[tuple[str, int]] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    first_token_s: float = 0.0
    answer_s: float = 0.0

    def finished(self, event: Finished) -> None:
        """Count an answer."""
        self.answers[event.reason.value] += 1
        self.tokens["prompt"] += event.usage.prompt_tokens
        self.tokens["cached"] += event.usage.cached_tokens
        self.tokens["completion"] += event.usage.completion_tokens
        self.first_token_s += event.timings.first_token_s
        self.answer_s += event.timings.total_s

    def text(self, turns: Turns, residence: Residence) -> str:
        """All of them."""
        return "\n".join([*self._lines(turns, residence), ""])

    def _lines(self, turns: Turns, residence: Residence) -> Iterator[str]:
        yield from _head("requests_total", "counter", "Requests by path and status.")
        for (path, status), count in sorted(self.requests.items()):
            yield f'llamacli_requests_total{{path="{path}",status="{status}"}} {count}'
        yield from _head("tokens_total", "counter", "Tokens of complete answers; cached ones were not read again.")
        for kind in ("prompt", "cached", "completion"):
            yield f'llamacli_tokens_total{{kind="{kind}"}} {self.tokens[kind]}'
        yield from _head("answers_total", "counter", "Answers by why they ended; interrupted: the client went away.")
        for reason, count in sorted(self.answers.items()):
            yield f'llamacli_answers_total{{reason="{reason}"}} {count}'
        for name, value, words in (
            ("first_token_seconds_total", self.first_token_s, "Seconds from an answer's start to its first token."),
            ("answer_seconds_total", self.answer_s, "Seconds of complete answers."),
        ):
            yield from _head(name, "counter", words)
            yield f"llamacli_{name} {value:.6f}"
        for name, level, words in (
            ("requests_waiting", turns.waiting, "Requests that wait for their turn."),
            ("requests_running", turns.running, "Answers in the making."),
            ("model_loaded", int(residence.loaded), "Whether the models are in memory."),
        ):
            yield from _head(name, "gauge", words)
            yield f"llamacli_{name} {level}"


def _head(name: str, kind: str, words: str) -> Iterator[str]:
    yield f"# HELP llamacli_{name} {words}"
    yield f"# TYPE llamacli_{name} {kind}"
