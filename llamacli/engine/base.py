"""What everything above knows of a model: two protocols."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from llamacli.complexity import Budget, Classification
from llamacli.events import Event
from llamacli.messages import Conversation
from llamacli.sampling import Sampling


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """A loaded model: its name, its window in tokens, where it runs, how and why there, how it decodes.

    A `context_window` of 0 is unknown: some servers do not tell.
    """

    model: str
    context_window: int
    device: str
    dtype: str
    quantization: str
    reason: str = ""
    decoding: str = ""


class Engine(Protocol):
    """A language model that answers conversations, one at a time."""

    @property
    def info(self) -> EngineInfo:
        """What is loaded."""
        ...

    def count_tokens(self, conversation: Conversation) -> int:
        """Tokens of the conversation as the model reads it, with what its template adds."""
        ...

    def stream(self, conversation: Conversation, sampling: Sampling, budget: Budget) -> Generator[Event, None, None]:
        """Answer the conversation: one Reading, TextDeltas, then exactly one Finished, last.

        `budget.begin` is called at the latest when the prompt is read.
        A conversation that ends in an answer is continued from that answer's last token.
        Closing the generator stops the model within one token. Only errors of `llamacli.errors` escape;
        PromptTooLong where the conversation does not fit the window.
        """
        ...

    def close(self) -> None:
        """Give back the memory and the thread. Closing twice is allowed."""
        ...


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds until the first token after a prompt of so many tokens, and tokens per second after it."""

    prompt_tokens: int
    first_token_s: float
    tokens_per_s: float


class Instruments(Protocol):
    """What a benchmark asks of the machine that an engine runs on."""

    def copy_bytes_per_s(self) -> float:
        """Bytes read and written per second by a copy within the memory that holds the weights."""
        ...

    def weight_bytes(self) -> int:
        """Bytes that each decoded token has to read."""
        ...

    def peak_bytes(self) -> Mapping[str, int]:
        """The most memory that was in use so far, by device."""
        ...

    def shift_up(self) -> bool:
        """Let the next answers be decoded in the second gear, which is prepared in the first of them; False if none."""
        ...

    def generate(self, prompt_tokens: int, tokens: int, sampling: Sampling) -> Speed:
        """The speed of transformers' own `generate` on the same model."""
        ...


class Classifier(Protocol):
    """Rates how long the answers to prompts have to be."""

    @property
    def device(self) -> str:
        """Where it runs."""
        ...

    def classify(self, prompts: Sequence[str]) -> list[Classification]:
        """One classification for each prompt, in order, as one batch."""
        ...

    def close(self) -> None:
        """Give back the memory. Closing twice is allowed."""
        ...
