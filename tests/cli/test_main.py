"""The program as a whole: help, failures, and what it takes to start."""

import subprocess
import sys

import pytest

from llamacli import __version__
from llamacli.engine.scripted import Reply, ScriptedEngine
from llamacli.errors import EngineFailed, GatedModel
from tests.shell import Output, run

COMMANDS = ("ask", "chat", "classify", "history", "models", "doctor", "bench", "config", "serve")


def test_the_version_is_shown() -> None:
    assert run("--version").out == f"llamacli {__version__}\n"


@pytest.mark.parametrize("argv", [(), ("--help",), ("-h",)])
def test_the_help_has_a_line_for_each_command(argv: tuple[str, ...]) -> None:
    lines = run(*argv).out.splitlines()
    listed = lines[lines.index("Commands:") + 1 :]
    assert [line.split()[0] for line in listed] == list(COMMANDS)
    assert all(len(line.split()) > 2 and not line.endswith("...") for line in listed)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_fits_a_terminal_and_has_no_escapes(command: str) -> None:
    text = run(command, "-h", tty=True).out
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    assert "--debug" in text


def test_the_help_shows_defaults_and_ranges_under_headings() -> None:
    text = " ".join(run("ask", "--help").out.split())
    assert "Sampling: --temperature X Randomness; 0 is greedy. [0 to 5; default: 0.64]" in text
    assert "-n, --max-tokens N" in text
    assert "-f, --file PATH" in text


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("ask", "--nonsense", "hi"), "No such option: --nonsense"),
        (("ask", "hi", "--top-k", "many"), "--top-k"),
        (("ask", "hi", "--top-k"), "--top-k"),
        (("ask", "hi", "-n", "0"), "0 is not a value of max tokens (option --max-tokens).\nIt may be: 1 to 1,000,000."),
        (("ask", "hi", "--top-p", "1.5"), "It may be: 0.01 to 1."),
        (("ask", "hi", "--temperature", "nan"), "It may be: 0 to 5."),
        (("ask", "hi", "--device", "cuda:x"), "It may be: auto, cpu, cuda, cuda:N, mps."),
        (("ask", "hi", "--complexity", "deep"), "It may be: auto, low, medium, high, off."),
        (("aks", "hi"), "Did you mean 'ask'?"),
    ],
)
def test_a_wrong_command_is_refused_in_one_message(argv: tuple[str, ...], message: str) -> None:
    result = run(*argv, status=2)
    assert result.err.startswith("error: ")
    assert message in result.err
    assert "hint: " in result.err
    assert (result.out, result.loaded) == ("", None)


def test_words_that_look_like_options_have_a_way() -> None:
    assert "go after --" in run("ask", "-5", "plus", "3", status=2).err


def test_a_system_prompt_that_is_not_utf8_is_refused() -> None:
    assert "The system prompt is not text." in run("ask", "hi", "-s", "ab\udcff", status=2).err


def test_a_failure_has_a_message_a_reason_a_hint_and_its_status() -> None:
    gated = GatedModel("It is gated.", reason="It has a licence.", hint="Accept it.")
    result = run("ask", "hi", engine=ScriptedEngine.saying(Reply("x", fault=gated)), status=3)
    assert result.err == "error: It is gated.\nIt has a licence.\nhint: Accept it.\n"


def test_what_nobody_foresaw_is_called_a_bug() -> None:
    broken = ScriptedEngine.saying(Reply("x", fault=ZeroDivisionError("division by zero")))
    result = run("ask", "hi", engine=broken, status=1)
    assert "Unexpected ZeroDivisionError: division by zero" in result.err
    assert "--debug" in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("argv", [("--debug", "ask", "hi"), ("ask", "hi", "--debug")])
def test_debug_adds_the_traceback(argv: tuple[str, ...]) -> None:
    failing = ScriptedEngine.saying(Reply("x", fault=EngineFailed("It broke.")))
    result = run(*argv, engine=failing, status=1)
    assert "Traceback" in result.err
    assert result.err.endswith("error: It broke.\n")


def test_a_full_disk_is_not_called_a_bug() -> None:
    class Full(Output):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    result = run("config", out=Full(), status=1)
    assert (
        result.err
        == "error: Writing or reading: No space left on device.\nhint: Check its space and its permissions.\n"
    )


def test_ctrl_c_before_the_answer_is_quiet() -> None:
    interrupted = Output(last="model", fault=KeyboardInterrupt)
    assert run("config", out=interrupted, status=130).err == ""


def test_the_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from llamacli.cli.main import main\n"
        "main(['--help'])\n"
        "main(['ask', '--help'])\n"
        "heavy = {'torch', 'transformers', 'tokenizers', 'prompt_toolkit', 'rich', 'dotenv'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)
