"""What hasty fingers do to a prompt."""

import random
import re


def roughen(text: str, rng: random.Random) -> str:
    """No capitals, no full stop, letters lost, doubled or swapped."""
    text = re.sub(r" +([?.,!]) ", r"\1 ", re.sub(r"(?<=\S)  +", " ", text)).strip()
    text = text.replace(" ?", "?") if rng.random() < 0.7 else text
    text = text[:1].upper() + text[1:] if rng.random() < 0.45 else text
    text = text.rstrip("?.!") or text if rng.random() < 0.3 else text
    text += rng.choice("?.!") if text[-1:].isalnum() and rng.random() < 0.25 else ""
    if rng.random() < 0.15:
        rate = rng.uniform(0.01, 0.06)
        text = "".join(_slip(letter, rng) if letter.isalnum() and rng.random() < rate else letter for letter in text)
        text = re.sub(r"(\w)(\w)\b", r"\2\1", text, count=1) if rng.random() < 0.3 else text
    elif rng.random() < 0.06:
        text = text.replace(" ", "") if re.search("[가-힣]", text) and len(text) < 60 else text.upper()
    return text


def _slip(letter: str, rng: random.Random) -> str:
    return rng.choice(("", letter * 2, rng.choice("aeioustnrl"), letter + rng.choice("aeioustnrl")))
