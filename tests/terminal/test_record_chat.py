"""The script that records the chat of the README, and what it wrote."""

import json
import os
import sys
from pathlib import Path
from xml.etree import ElementTree

from tests.terminal.record_chat import DOCS, ROOT, TURNS, record

REPLY = "A **llama** is\n\n```python\nsize = 'small'  # or not\n```\n\n| 이름 | n |\n|---|--:|\n| 라마 | 1 |\n"


def words(picture: Path) -> str:
    """What is to be read in it."""
    return " ".join("".join(ElementTree.fromstring(picture.read_text(encoding="utf-8")).itertext()).split())


def test_a_recording_is_the_chat_and_its_pictures(tmp_path: Path) -> None:
    script = json.dumps({"replies": [{"text": REPLY}, {"text": "Bye."}], "load_s": 0.3})
    environ = {"HOME": str(tmp_path), "TERM": "xterm-256color", "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-m", "tests.scripted_program", script, "chat"]
    record(argv, environ, ["what is a llama", "고마워"], tmp_path / "docs")
    text = (tmp_path / "docs" / "chat.txt").read_text(encoding="utf-8")
    assert text.startswith("> what is a llama\nA llama is\n\nsize = 'small'  # or not\n\n 이름  n\n")
    assert text.endswith("> 고마워\nBye.\n")
    for name in ("dark", "light"):
        picture = tmp_path / "docs" / f"chat-{name}.svg"
        assert "size = 'small' # or not" in words(picture)
        assert "scripted · cpu · low, 100 tokens" in words(picture)


def test_the_readme_shows_the_recording() -> None:
    """Where this fails: put docs/chat.txt between the markers."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = readme.split("<!-- recording -->\n```text\n")[1].split("```\n<!-- /recording -->")[0]
    assert shown == (DOCS / "chat.txt").read_text(encoding="utf-8")
    assert all(f"> {turn}\n" in shown for turn in TURNS)


def test_the_pictures_are_of_the_recording_small_and_fetch_nothing() -> None:
    last = (DOCS / "chat.txt").read_text(encoding="utf-8").rstrip().split("\n")[-1]
    for name in ("dark", "light"):
        picture = DOCS / f"chat-{name}.svg"
        assert " ".join(last.split()) in words(picture)
        assert picture.stat().st_size < 30_000
        assert "url(http" not in picture.read_text(encoding="utf-8")
