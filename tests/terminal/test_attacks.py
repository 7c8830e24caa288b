"""Not one forbidden character reaches a terminal, by whatever way it comes."""

import io
import os
import re
from collections.abc import Callable
from itertools import count

import pytest
from prompt_toolkit.data_structures import Size
from prompt_toolkit.output.vt100 import Vt100_Output

from llamacli.engine.scripted import Reply, ScriptedEngine
from llamacli.errors import BadUsage
from llamacli.events import LoadProgress, Notice
from llamacli.terminal.live import MarkdownAnswer
from llamacli.terminal.loading import LoadingDisplay
from llamacli.terminal.prompt import harmless
from llamacli.terminal.sanitize import sanitize
from llamacli.terminal.screen import Screen
from llamacli.terminal.streaming import AnswerRenderer, PlainAnswer
from tests.shell import Output, run
from tests.terminal.attacks import ATTACKS, is_harmless, random_texts

FOREIGN = [*ATTACKS.values(), *random_texts()]
OUR_ESCAPES = re.compile(r"\x1b\[((0|1|2|3|4|9|3[1256])(;(1|2|3|4|9|3[1256]))*m|\d+A|K|\?7[lh])|\r(?=\x1b)")
SIZE = os.terminal_size((80, 24))
CONTEXTS = """{0}

# {0}

`{0}` **{0}** [{0}]({0}) ![{0}](x)

1. {0}

> {0}

| {0} |
|-----|
| {0} |

```{0}
{0}
```
"""


def plain(stream: Output) -> AnswerRenderer:
    return PlainAnswer(stream, terminal=True)


def markdown(stream: Output) -> AnswerRenderer:
    """Drawn live at each piece."""
    console = Screen(stream, io.StringIO(), {"TERM": "xterm-256color"}).out
    return MarkdownAnswer(console, lambda: SIZE, live=True, clock=count(0.0, 10.0).__next__)


def shown(renderer: Callable[[Output], AnswerRenderer], *pieces: str) -> str:
    stream = Output(tty=True)
    answer = renderer(stream)
    for piece in pieces:
        answer.feed(piece)
    answer.finish()
    return stream.getvalue()


def without_our_escapes(text: str) -> str:
    return OUR_ESCAPES.sub("", text)


def test_the_attacks_are_many_and_attacks() -> None:
    assert len(set(ATTACKS.values())) >= 200
    assert len(random_texts()) == 1_000
    assert not any(is_harmless(attack) for attack in ATTACKS.values())


@pytest.mark.parametrize("renderer", [plain, markdown])
def test_model_text_brings_nothing_of_its_own(renderer: Callable[[Output], AnswerRenderer]) -> None:
    for text in FOREIGN:
        drawn = shown(renderer, text + ".")
        assert is_harmless(without_our_escapes(drawn)), ascii(text)
        assert drawn == shown(renderer, sanitize(text + "."))  # not one escape more than harmless text has


def test_nor_does_it_anywhere_in_markdown() -> None:
    for attack in ATTACKS.values():
        text = CONTEXTS.replace("{0}", attack)
        drawn = shown(markdown, text)
        assert is_harmless(without_our_escapes(drawn)), ascii(attack)
        assert drawn == shown(markdown, sanitize(text))


@pytest.mark.parametrize("renderer", [plain, markdown])
def test_nor_does_it_in_two_pieces_cut_anywhere(renderer: Callable[[Output], AnswerRenderer]) -> None:
    for attack in ATTACKS.values():
        for cut in range(1, len(attack)):
            drawn = shown(renderer, attack[:cut], attack[cut:])
            assert is_harmless(without_our_escapes(drawn)), ascii(attack)


def test_nor_do_entities_and_numbers_of_characters() -> None:
    for attack in ATTACKS.values():
        text = "".join(f"&#{ord(character)};" for character in attack)
        assert is_harmless(without_our_escapes(shown(markdown, text)))


def test_nor_do_titles_names_and_errors() -> None:
    for text in FOREIGN:
        out, err = Output(tty=True), Output(tty=True)
        screen = Screen(out, err, {"TERM": "xterm-256color"})
        screen.line(text)
        screen.data({text: [text]})
        screen.notice(text)
        screen.error(BadUsage(f"No such file: {text}", reason=text, hint=text))
        assert is_harmless(out.getvalue()), ascii(text)
        assert is_harmless(without_our_escapes(err.getvalue())), ascii(text)


def test_nor_does_what_loads() -> None:
    for text in FOREIGN:
        err = Output(tty=True)
        display = LoadingDisplay(Screen(io.StringIO(), err, {"TERM": "xterm-256color"}))
        display.report(Notice(text))
        display.report(LoadProgress("model", text))
        display._draw()
        display.status(text)
        display._draw()
        assert is_harmless(without_our_escapes(err.getvalue())), ascii(text)


def test_nor_does_the_prompt() -> None:
    for text in FOREIGN:
        stream = io.StringIO()
        output = harmless(Vt100_Output(stream, lambda: Size(24, 80)))
        output.write(text.replace("\r", ""))  # prompt_toolkit shows it as ^M, and uses it itself
        output.flush()
        assert is_harmless(stream.getvalue()), ascii(text)


@pytest.mark.parametrize("arguments", [["ask", "-f"], ["ask", "hi", "-m"], ["ask", "hi", "--debug", "-f"], ["wrong"]])
def test_nor_does_the_whole_program(arguments: list[str]) -> None:
    status = 0 if "-m" in arguments else 2
    for text in [text for text in [*ATTACKS.values()][::3] if "\0" not in text]:
        result = run(*arguments, text, tty=True, status=status)
        assert is_harmless(without_our_escapes(result.out + result.err)), ascii(text)


def test_nor_does_an_answer_of_the_whole_program() -> None:
    for text in FOREIGN[::5]:
        result = run("ask", "hi", tty=True, engine=ScriptedEngine.saying(Reply(text)))
        assert is_harmless(without_our_escapes(result.out + result.err)), ascii(text)


def test_off_a_terminal_every_character_of_a_model_passes() -> None:
    for text in ATTACKS.values():
        stream = Output(tty=False)
        answer = Screen(stream, io.StringIO(), {}).answer("auto")
        answer.feed(text + ".")
        answer.finish()
        assert stream.getvalue() == text + ".\n"
