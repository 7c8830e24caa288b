"""Makes foreign text harmless for a terminal: what a model writes, file names, error texts.

Each forbidden character is judged alone, so nothing that follows an unfinished escape sequence can be swallowed:
the escape character itself is shown as its picture, and the rest of the sequence is the plain text that it is.
Only a carriage return at the end of a piece has to wait for what comes next.
"""

import re
from functools import cache

_PICTURES = 0x2400
_DELETE = 0x7F

_INVISIBLE = (
    (0x00AD, 0x00AD),  # soft hyphen
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x061C, 0x061C),  # Arabic letter mark
    (0x17B4, 0x17B5),  # Khmer inherent vowels
    (0x180B, 0x180F),  # Mongolian selectors and separator
    (0x200B, 0x200B),  # zero-width space; U+200C and U+200D stay, Persian and emoji need them
    (0x200E, 0x200F),  # left-to-right and right-to-left marks
    (0x202A, 0x202E),  # bidirectional embeddings and overrides
    (0x2060, 0x206F),  # word joiner, invisible operators, bidirectional isolates
    (0x3164, 0x3164),  # Hangul filler
    (0xFEFF, 0xFEFF),  # byte order mark; U+FE00 to U+FE0F stay, emoji need them
    (0xFFA0, 0xFFA0),  # halfwidth Hangul filler
    (0xFFF0, 0xFFFB),  # interlinear annotations and what is reserved before them
    (0x1D173, 0x1D17A),  # musical controls
    (0xE0000, 0xE0FFF),  # tags, and the selectors in which any text can hide
)


def _replacements() -> dict[int, str]:
    table = {code: chr(_PICTURES + code) for code in range(0x20)}
    table |= {code: "" for first, last in _INVISIBLE for code in range(first, last + 1)}
    table |= dict.fromkeys((*range(0x80, 0xA0), *range(0xD800, 0xE000)), "\N{REPLACEMENT CHARACTER}")
    table |= {_DELETE: "\N{SYMBOL FOR DELETE}", 0x2028: "\n", 0x2029: "\n"}
    del table[ord("\n")], table[ord("\t")]
    return table


_REPLACEMENTS = _replacements()


@cache
def _forbidden() -> re.Pattern[str]:
    """Made where it is needed: that takes longer than to start with most modules."""
    return re.compile("[" + re.escape("".join(map(chr, _REPLACEMENTS))) + "]")


def sanitize(text: str) -> str:
    """`text` with line ends as newlines, control characters as pictures, invisible ones and tags left out.

    C1 controls and lone surrogates become U+FFFD. The result may be sanitized again without a change.
    """
    return text.replace("\r\n", "\n").translate(_REPLACEMENTS)


def escape_json(line: str) -> str:
    r"""A line of JSON that means the same with every forbidden character written as `\uXXXX`."""
    return _forbidden().sub(lambda match: _escaped(match[0]), line)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


class Sanitizer:
    """A stage with `feed` and `finish`: the joined pieces equal `sanitize` of the whole, wherever it was cut."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """What may be shown after `text` arrived."""
        text = self._held + text
        self._held = "\r" if text.endswith("\r") else ""
        return sanitize(text.removesuffix(self._held))

    def finish(self) -> str:
        """What was held back."""
        held, self._held = self._held, ""
        return sanitize(held)
