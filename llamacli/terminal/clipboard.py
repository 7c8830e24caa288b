"""Puts text into the clipboard: by a program if there is one, else by the terminal itself."""

import base64
import shutil
import subprocess
from collections.abc import Mapping

from llamacli.errors import BadUsage
from llamacli.terminal.screen import Screen

_PROGRAMS = (
    ("wl-copy",),
    ("xclip", "-selection", "clipboard"),
    ("xsel", "--clipboard", "--input"),
    ("pbcopy",),
    ("clip.exe",),
)
_TIMEOUT_S = 5


def copy(text: str, environ: Mapping[str, str], screen: Screen) -> str:
    """Copy `text`; returns what took it.

    A terminal is asked with OSC 52, the "Manipulate Selection Data" of xterm's control sequences, and does not say
    whether it obeys. BadUsage where there is neither a program nor a terminal.
    """
    for command in _PROGRAMS:
        path = shutil.which(command[0], path=environ.get("PATH"))
        if path and _run([path, *command[1:]], text, environ):
            return command[0]
    if not screen.out_can_move:
        raise BadUsage(
            "There is no clipboard to copy to.",
            hint=f"Install one of: {', '.join(command[0] for command in _PROGRAMS)}.",
        )
    payload = base64.b64encode(text.encode()).decode()
    screen.stdout.write(f"\x1b]52;c;{payload}\x07")
    screen.stdout.flush()
    return "the terminal, if it allows that"


def _run(command: list[str], text: str, environ: Mapping[str, str]) -> bool:
    encoding = "utf-16-le" if command[0].endswith("clip.exe") else "utf-8"  # what Windows expects of a pipe
    nothing = subprocess.DEVNULL  # a clipboard program stays alive, and would hold a pipe open
    try:
        done = subprocess.run(  # noqa: S603  # one of the programs above, and no shell
            command, input=text.encode(encoding), env=environ, stdout=nothing, stderr=nothing, timeout=_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
