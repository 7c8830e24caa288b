"""Texts that go before the words of a prompt: files, each in a fenced block, and standard input."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from llamacli.errors import BadUsage, NotText

_CHUNK = 1 << 20


def read_text(path: Path | str) -> str:
    """The text of a file.

    Raises BadUsage where it cannot be read, NotText, with the byte offset, where it is not UTF-8 or holds NUL bytes.
    """
    try:
        with Path(path).expanduser().open("rb") as stream:
            return decode(_until_nul(stream), str(path))
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home directory for ~
        reason = getattr(error, "strerror", None) or str(error)
        raise BadUsage(f"The file {path} cannot be read.", reason=f"{reason}.", hint="Check the path.") from error


def decode(data: bytes, name: str) -> str:
    """The text that `data` stands for, without a byte order mark; NotText, with the byte offset, where it is none."""
    nul = data.find(b"\0")
    try:
        text = (data if nul < 0 else data[:nul]).decode()
    except UnicodeDecodeError as error:
        raise _not_text(name, error.start, f"byte {data[error.start]:#04x} does not belong to UTF-8") from None
    if nul >= 0:
        raise _not_text(name, nul, "there is a NUL byte")
    return text.removeprefix("\ufeff")


def fenced(name: str, text: str) -> str:
    """`text` in a fenced block that carries `name`; the fence is longer than any that the text holds."""
    longest = max(map(len, re.findall(r"^\s*(`{3,})", text, re.MULTILINE)), default=2)
    fence = "`" * (longest + 1)
    body = text if text.endswith("\n") or not text else text + "\n"
    label = re.sub(r"[`\s]+", " ", name)
    return f"{fence}{label}\n{body}{fence}"


def join_prompt(stdin_text: str, files: Iterable[tuple[str, str]], words: str) -> str:
    """One prompt: standard input, then each file (name, text), then the words, with blank lines between."""
    blocks = [fenced(name, text) for name, text in files]
    parts = (stdin_text.strip("\r\n"), *blocks, words.strip("\r\n"))
    return "\n\n".join(part for part in parts if part.strip())


def _until_nul(stream: BinaryIO) -> bytes:
    """All bytes, or those up to a NUL: an endless device is refused at once."""
    data = bytearray()
    while chunk := stream.read(_CHUNK):
        data += chunk
        if b"\0" in chunk:
            break
    return bytes(data)


def _not_text(name: str, offset: int, reason: str) -> NotText:
    return NotText(f"{name} is not text.", reason=f"At byte {offset:,} {reason}.", hint="Give UTF-8 text.")
