"""What must never reach a terminal, by name: sequences that it obeys, and characters that deceive the reader."""

import random
import unicodedata

_ENDS = {"bell": "\a", "string terminator": "\x1b\\", "one-character terminator": "\x9c", "nothing": ""}


def _control_sequences() -> dict[str, str]:
    codes = {
        "clear the screen": "2J",
        "clear the scrollback": "3J",
        "clear the line": "2K",
        "home": "H",
        "up": "99A",
        "down": "99B",
        "right": "99C",
        "left": "99D",
        "to a column": "1G",
        "to a place": "1;1H",
        "save the cursor": "s",
        "restore the cursor": "u",
        "scroll up": "99S",
        "scroll down": "99T",
        "scrolling region": "1;2r",
        "insert lines": "99L",
        "delete lines": "99M",
        "delete characters": "99P",
        "insert characters": "99@",
        "repeat a character": "9999b",
        "red": "31m",
        "hidden": "8m",
        "true colour": "38;2;0;0;0m",
        "black on black": "30;40m",
        "colons": "38:2::1:2:3m",
        "where is the cursor": "6n",
        "what are you": "c",
        "what are you really": ">c",
        "what is your name": ">q",
        "say the title": "21t",
        "make the window small": "8;1;1t",
        "iconify": "2t",
        "alternate screen": "?1049h",
        "hide the cursor": "?25l",
        "report the mouse": "?1003h",
        "report the mouse, long": "?1006h",
        "bracketed paste off": "?2004l",
        "no wrapping": "?7l",
        "132 columns": "?3h",
        "reverse video": "?5h",
        "soft reset": "!p",
        "keyboard protocol": ">1u",
        "print the screen": "5i",
        "synchronized update": "?2026h",
        "cursor style": "5 q",
    }
    return {
        f"{name}, {how}": start + code
        for name, code in codes.items()
        for how, start in (("escape", "\x1b["), ("one character", "\x9b"))
    }


def _strings() -> dict[str, str]:
    contents = {
        "title": "]0;pwned",
        "title of the window": "]2;pwned",
        "title of the icon": "]1;pwned",
        "write the clipboard": "]52;c;cm0gLXJmIC8=",
        "read the clipboard": "]52;c;?",
        "link": "]8;;http://evil.example",
        "link with an id": "]8;id=1;file:///etc/passwd",
        "palette": "]4;1;rgb:00/00/00",
        "foreground": "]10;#000000",
        "directory": "]7;file:///tmp",
        "notification": "]9;pwned",
        "notification, long": "]777;notify;a;b",
        "iTerm file": "]1337;File=name=eA==;inline=1:eA==",
        "prompt mark": "]133;A",
        "DCS": "P+q544e",
        "sixel": "Pq#0;2;0;0;0~",
        "tmux pass-through": "Ptmux;\x1b\x1b]0;x\a",
        "APC": "_Gf=24;eA==",
        "PM": "^private",
        "SOS": "Xstart of string",
    }
    return {f"{name}, {end}": f"\x1b{text}{mark}" for name, text in contents.items() for end, mark in _ENDS.items()}


def _single() -> dict[str, str]:
    escapes = {f"escape {character}": f"\x1b{character}" for character in "c78DEHMNOZ=>#%(Bn|}~"}
    controls = {f"C0 U+{code:04X}": f"a{chr(code)}b" for code in range(32) if chr(code) not in "\n\t"}
    controls["DEL"] = "a\x7fb"
    c1 = {f"C1 U+{code:04X}": f"a{chr(code)}b" for code in range(0x80, 0xA0)}
    raw = {
        f"raw byte {code:02X}": bytes([97, code, 98]).decode(errors="surrogateescape") for code in range(0x80, 0xA0, 3)
    }
    return escapes | controls | c1 | raw


def _deceptions() -> dict[str, str]:
    codes = [0xAD, 0x34F, 0x61C, 0x180E, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2070)]
    codes += [0x3164, 0xFEFF, 0xFFA0, 0xFFF9, 0xFFFA, 0xFFFB, 0xE0001, 0xE0020, 0xE007F, 0xE0100, 0xE01EF]
    return {f"invisible U+{code:04X}": f"user{chr(code)}txt.exe" for code in codes} | {
        "override to the end": "\u202eexe.txt",
        "isolate in a comment": "if admin: \u2066# check\u2069 \u202a pass",
        "text in tags": "ok" + "".join(chr(0xE0000 + ord(character)) for character in "hidden"),
        "text in selectors": "ok" + "".join(chr(0xE0100 + ord(character)) for character in "hidden"),
        "line separators": "a\u2028b\u2029c",
    }


def _broken() -> dict[str, str]:
    """Bytes that are no UTF-8, as they come through file names and broken files."""
    sequences = {
        "overlong escape": b"\xc0\x9b[2J",
        "overlong escape of three": b"\xe0\x80\x9b[2J",
        "overlong slash": b"\xc0\xaf",
        "C1 in two bytes": b"\xc2\x9b2J",
        "half of a C1": b"\xc2",
        "the other half": b"\x9b2J",
        "surrogate": b"\xed\xa0\x80",
        "beyond Unicode": b"\xf4\x90\x80\x80",
        "cut character": b"\xe2\x80",
        "cut override": b"\xe2\x80\x1b[2J\xae",
        "escape in an escape": b"\x1b\x1b[\x1b[2J",
        "escape cut by a newline": b"\x1b[\n2J",
        "escape cut by a carriage return": b"\x1b[\r2J",
        "carriage return over a line": b"harmless\rpwned   ",
        "backspaces over a word": b"harmless" + b"\b" * 8 + b"pwned   ",
        "two carriage returns": b"a\r\r\nb",
        "NUL in an escape": b"\x1b\x00[2J",
        "UTF-16": "\x1b[2J".encode("utf-16"),
    }
    return {name: data.decode(errors="surrogateescape") for name, data in sequences.items()}


ATTACKS = _control_sequences() | _strings() | _single() | _deceptions() | _broken()


_JOINERS = "\u200c\u200d"
# Unicode calls these format characters; they are number and verse signs, hieroglyphs and shorthand, and visible.
_VISIBLE = (
    *(0x600, 0x601, 0x602, 0x603, 0x604, 0x605, 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD),
    *range(0x13430, 0x13460),
    *range(0x1BCA0, 0x1BCA4),
)
_INVISIBLE = (0x34F, 0x2065, 0x3164, 0xFFA0, *range(0xE0000, 0xE1000))


def is_harmless(text: str) -> bool:
    """Whether it holds no character that a terminal obeys or that a reader cannot see."""
    return not any(map(_is_forbidden, set(text)))


def _is_forbidden(character: str) -> bool:
    if character in "\n\t" or character in _JOINERS or ord(character) in _VISIBLE:
        return False
    return ord(character) in _INVISIBLE or unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def random_texts() -> list[str]:
    """A thousand random strings of bytes, as text that comes from a file system or a broken stream."""
    dice = random.Random(7)
    return [dice.randbytes(length % 97).decode("utf-8", "surrogateescape") for length in range(1_000)]
