import base64
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from llamacli.errors import BadUsage
from llamacli.terminal.clipboard import copy
from llamacli.terminal.screen import Screen
from tests.shell import Output


def program(directory: Path, name: str, script: str) -> Mapping[str, str]:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return {"PATH": f"{directory}{os.pathsep}{os.environ['PATH']}"}


def test_a_clipboard_program_takes_the_text(tmp_path: Path) -> None:
    environ = program(tmp_path, "wl-copy", f"cat > {tmp_path}/taken")
    out = Output(tty=True)
    assert copy("그 x\n", environ, Screen(out, Output(), {})) == "wl-copy"
    assert (tmp_path / "taken").read_text(encoding="utf-8") == "그 x\n"
    assert out.getvalue() == ""


def test_a_terminal_takes_what_no_program_does(tmp_path: Path) -> None:
    environ = {"PATH": program(tmp_path, "wl-copy", "exit 1")["PATH"].split(os.pathsep)[0]}
    out = Output(tty=True)
    copy("그", environ, Screen(out, Output(), {"TERM": "xterm"}))
    assert out.getvalue() == f"\x1b]52;c;{base64.b64encode('그'.encode()).decode()}\x07"


def test_without_program_and_terminal_there_is_no_clipboard() -> None:
    out = Output()
    with pytest.raises(BadUsage):
        copy("x", {"PATH": "/nonexistent"}, Screen(out, Output(), {}))
    assert out.getvalue() == ""
