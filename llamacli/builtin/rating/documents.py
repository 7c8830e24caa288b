"""Logs, tables, code and prose that stand beside the questions of training prompts."""

import random
import re

from llamacli.builtin.rating.grammar import grammar, nonce

KOREAN = ("prose_ko", "mail_ko", "chat_ko", "log_ko", "minutes_ko", "story_ko")
FLOWING = ("prose", "story", "news", "contract", "prose_de", "prose_fr", "prose_es", "story_ko")
GARBLED_SHARE = 0.3  # documents with words that nobody knows, lest the words of a document matter
PLANTED_SHARE = 0.12  # documents that hold a request themselves, which is not the one to answer


def document(rng: random.Random) -> str:
    """A log, a table, code or prose, of two to forty lines."""
    words = grammar("documents")
    sections = [name for name in words.sections if name.startswith(("lines", "blocks"))]
    section = rng.choice(sections)
    lines = _lines(section, rng)
    if section.startswith("lines") and rng.random() < 0.12:
        lines += _lines(rng.choice(sections), rng)
    if rng.random() < PLANTED_SHARE:
        lines.insert(rng.randint(0, len(lines)), _planted(rng))
    name = section.split()[1]
    text = (" " if name in FLOWING else "\n\n" if section.startswith("blocks") else "\n").join(lines)
    if rng.random() < GARBLED_SHARE:
        text = garbled(text, rng)
    fence = rng.random()
    if fence < 0.1:
        return f"```{name}\n{text}\n```"
    return f"{name}.txt\n```\n{text}\n```" if fence < 0.15 else text


def _lines(section: str, rng: random.Random) -> list[str]:
    few = section.startswith("blocks")
    count = rng.randint(1, 3) if few else round(rng.choice((2, 3, 4, 6, 12, 24)) * rng.uniform(0.6, 1.4))
    fillers = grammar("ko" if section.split()[1] in KOREAN else "en")
    return [fillers.expand(grammar("documents").draw(section, rng), rng) for _ in range(count)]


def _planted(rng: random.Random) -> str:
    who = rng.choice(("", "> ", "anna: ", "TODO: ", "# ", "Q: ", "[10:02] leo: ", "// ", "Subject: "))
    return who + grammar("en").draw(rng.choice(("low", "medium", "high")), rng)


def garbled(text: str, rng: random.Random) -> str:
    """The text with some of its longer words replaced by words that mean nothing."""
    rate = rng.uniform(0.1, 0.6)

    def replace(match: re.Match[str]) -> str:
        hangul = "가" <= match[0][0] <= "힣"
        return nonce(rng, hangul=hangul).split()[0] if rng.random() < rate else match[0]

    return re.sub(r"[^\W\d_]{4,}|[가-힣]{2,}", replace, text)
