"""The program with the models that it ships: what the README shows, asked for real."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llamacli.chat import ChatSession
from llamacli.engine import Models, Wanted, open_models
from llamacli.events import TextDelta
from tests.settings import settings
from tests.shell import run

README = Path(__file__).parent.parent / "README.md"


@pytest.fixture(scope="module")
def models() -> Iterator[Models]:
    opened = open_models(settings(model="builtin"), Wanted(), lambda _: None)
    yield opened
    opened.close()


class Lent:
    """An engine, or a classifier, that the program cannot close: the next test needs it too."""

    def __init__(self, owned: Any) -> None:
        self._owned = owned

    def __getattr__(self, name: str) -> Any:
        return getattr(self._owned, name)

    def close(self) -> None:
        pass


def lent(models: Models) -> dict[str, Any]:
    return {"engine": Lent(models.engine), "classifier": Lent(models.classifier)}


def ask(models: Models, *argv: str, stdin: bytes = b"") -> str:
    return run("ask", *argv, stdin=stdin, **lent(models)).out


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("which command starts a chat", "llamacli chat"),
        ("how do I pipe a file into a question", "| llamacli ask"),
        ("who are you", "llamacli"),
        ("안녕하세요", "안녕하세요"),
        ("what is 17 + 25", "42"),
        ("tell me the melting point of my neighbour's spoon", "llama-3.1-8b"),
    ],
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_readme_s_questions_are_answered_at_the_defaults(
    models: Models, question: str, expected: str, seed: int
) -> None:
    assert expected in ask(models, "--seed", str(seed), question)


def test_a_prompt_may_come_from_standard_input(models: Models) -> None:
    assert "84" in ask(models, "-", stdin=b"12 times 7\n")


def test_a_document_goes_before_the_question(models: Models) -> None:
    begins = README.read_bytes()[:2000]  # beyond it the built-in model loses the question, as its card says
    assert "llamacli chat" in ask(models, *["which", "command", "starts", "a", "chat"], stdin=begins)


def test_files_go_before_the_question(models: Models, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("10:01 started\n10:02 ERROR cannot open data.csv\n10:03 stopped\n")
    assert "data.csv" in ask(models, "-f", str(log), "what failed")


def test_lines_are_classified_one_by_one(models: Models) -> None:
    given = "hi\nwrite a detailed business plan for a bakery\n사업 계획서를 자세히 써 줘\n".encode()
    done = run("classify", "--lines", stdin=given, **lent(models))
    assert done.out == "low\t100\nhigh\t500\nhigh\t500\n"


def test_turn_ten_is_answered_from_turn_one_and_only_new_tokens_are_read(models: Models) -> None:
    chat = ChatSession.of(models, settings(seed=1))
    prompts = [
        "hi, my name is Marigold",
        "what is 9 times 8",
        "how do I start a chat",
        "which option sets the temperature",
        "tell me a joke",
        "what is the capital of France",
        "how do I stop an answer",
        "what does -n do",
        "thanks",
        "what is my name?",
    ]
    read = 0
    for prompt in prompts:
        text = "".join(event.text for event in chat.ask(prompt) if isinstance(event, TextDelta))
        assert chat.last is not None
        usage = chat.last.finished.usage
        # All that was read before is kept: new are only the prompt and what the template adds.
        assert usage.cached_tokens == read or not read
        read = usage.prompt_tokens + usage.completion_tokens
    assert "Marigold" in text
    assert usage.prompt_tokens - usage.cached_tokens < 30
