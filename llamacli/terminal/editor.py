"""Text in the person's own editor."""

import contextlib
import io
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from llamacli.errors import BadUsage, EngineFailed

_USUAL = ("editor", "nano", "vi")
_HINT = "Choose one: export EDITOR=nano"


def edited(text: str, environ: Mapping[str, str], terminal: TextIO) -> str:
    """`text` as the person left it in $VISUAL or $EDITOR, which draws on `terminal`; without the last line's end.

    Nobody else can read the file that the editor is given, nor what the editor puts beside it; all of it is removed.
    Raises BadUsage where there is no editor, EngineFailed where it fails and saved nothing new.
    """
    command = _editor(environ)
    try:
        with tempfile.TemporaryDirectory(prefix="llamacli-") as folder:  # which only this user may enter
            path = Path(folder) / "prompt.md"
            _write(path, text)
            failure = _run([*command, str(path)], environ, terminal)
            # What is no UTF-8 becomes U+FFFD: an hour's writing is not to be lost for a byte.
            found = path.read_text(encoding="utf-8", errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    except OSError as error:
        raise EngineFailed(f"The text cannot be edited: {error.strerror}.", hint="Set TMPDIR elsewhere.") from error
    if failure and found == _ended(text):
        raise EngineFailed(f"{failure} The text is as it was.", hint="Ctrl-C gives the edit up.")
    return found.removesuffix("\n")


def _editor(environ: Mapping[str, str]) -> list[str]:
    """The editor and its arguments. Raises BadUsage where there is none."""
    name = next((name for name in ("VISUAL", "EDITOR") if environ.get(name, "").strip()), "")
    if name:
        with contextlib.suppress(ValueError, RuntimeError):  # an open quote; the ~ of nobody
            program, *arguments = shlex.split(environ[name])
            if found := _program(program, environ):
                return [found, *arguments]
        raise BadUsage(f"The editor {environ[name]!r} cannot be run.", reason=f"{name} names it.", hint=_HINT)
    usual = next((found for each in _USUAL if (found := _program(each, environ))), None)
    if usual is None:
        raise BadUsage("There is no editor.", reason="VISUAL and EDITOR are not set.", hint=_HINT)
    return [usual]


def _program(name: str, environ: Mapping[str, str]) -> str | None:
    return shutil.which(str(Path(name).expanduser()), path=environ.get("PATH"))


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _write(path: Path, text: str) -> None:
    with open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
        stream.write(_ended(text))


def _run(command: list[str], environ: Mapping[str, str], terminal: TextIO) -> str:
    """Let the editor run to its end; what went wrong, or nothing."""
    try:
        drawn_on = terminal.fileno()
    except io.UnsupportedOperation:
        drawn_on = subprocess.DEVNULL
    try:
        # Standard output may be a file: the answers go there, and an editor has to draw.
        ended = subprocess.run(command, env=environ, stdout=drawn_on, stderr=drawn_on, check=False)  # noqa: S603
    except OSError as error:
        return f"{command[0]} cannot be run: {error.strerror}."
    how = f"status {ended.returncode}" if ended.returncode > 0 else f"signal {-ended.returncode}"
    return f"{Path(command[0]).name} ended with {how}." if ended.returncode else ""
