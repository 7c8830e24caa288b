"""Every command that the built-in model may learn is valid, and warns where it is dangerous."""

import re
import shutil
import subprocess
from itertools import pairwise
from random import Random

import pytest

from llamacli.builtin.chat.patterns import ask, code_of
from llamacli.builtin.chat.topics import Topic, load_corpus

CORPUS = load_corpus()
NOT_BASH = {"cron line", "cron minutes", "cron minutes given", "cron boot", "vim quit"}  # lines of other programs
DANGEROUS = re.compile(
    r"rm -r|\bdd if|--hard|--force|push origin --delete|clean -fd|-delete$|shred|mogrify|truncate|stash drop|-9 PID"
)
HARMLESS = {"delete empty directories"}
SLOT = re.compile(r"<([a-z ]+)>")
LANGUAGES = {"p": "python", "q": "python", "g": "git"}  # what the frames of a macro add to every wording


def topics(*stems: str) -> list[Topic]:
    return [topic for stem in stems for topic in CORPUS.files[stem]]


def wordings(topic: Topic) -> list[tuple[str, str]]:
    """Each wording with its macro; a line of these files is one choice between wordings."""
    lines = [(macro, pattern.removeprefix("{").removesuffix("}")) for macro, pattern in topic.questions]
    return [(macro, choice) for macro, line in lines for choice in line.split("|")]


# Some answers of every topic, with different things put into their slots.
ANSWERS = [
    (topic, ask(topic, CORPUS, Random(seed))[1])
    for topic in topics("shell", "python")
    for seed in range(6 if SLOT.search(topic.answers[0]) else 1)
]


def test_the_pattern_knows_dangerous_commands() -> None:
    assert DANGEROUS.search("rm -rf directory")
    assert not DANGEROUS.search("rm file.txt")


def test_an_answer_is_a_block_and_one_line() -> None:
    form = re.compile(r"(Use|In Python):\n```(sh|python)\n\S(.*\S)?\n```\n[^\n]{,120}", re.DOTALL)
    assert [answer for _, answer in ANSWERS if not form.fullmatch(answer)] == []


def test_what_a_dangerous_command_does_is_said() -> None:
    dangerous = [(topic, answer) for topic, answer in ANSWERS if DANGEROUS.search(code_of(answer))]
    assert len(dangerous) > 20
    assert [answer for topic, answer in dangerous if "Warning:" not in answer and topic.name not in HARMLESS] == []


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_every_command_passes_the_syntax_check_of_bash() -> None:
    checked = {code_of(answer) for topic, answer in ANSWERS if "```sh" in answer and topic.name not in NOT_BASH}
    assert len(checked) > 600
    # each in a function of its own, so that one call of bash checks them all and its message names the line
    script = "\n".join(f"f() {{\n{code}\n}}" for code in checked)
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_broken_command_does_not_pass() -> None:
    assert subprocess.run(["bash", "-n"], input="f() {\nif [ -f a ]; then\n}", text=True, stderr=-3).returncode


def test_every_python_snippet_compiles() -> None:
    snippets = [(code_of(answer), topic.name) for topic, answer in ANSWERS if "```python" in answer]
    assert len(snippets) > 100
    for code, name in snippets:
        compile(code, name, "exec")


def test_a_slot_of_the_answer_is_in_every_wording() -> None:
    for topic in topics("shell", "python"):
        slots = set(SLOT.findall(topic.answers[0]))
        missing = [choice for _, choice in wordings(topic) if not slots <= set(SLOT.findall(choice))]
        assert missing == [], topic.name


def test_no_wording_asks_for_two_commands() -> None:
    asked = sorted(
        (f"{LANGUAGES.get(macro, '')} {choice}".strip(), topic.name)
        for topic in topics("shell", "python")
        for macro, choice in wordings(topic)
    )
    assert [first for first, second in pairwise(asked) if first[0] == second[0]] == []
