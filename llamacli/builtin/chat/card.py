"""Writes the model card of the built-in chat model, with its scores on the held-out questions."""

from collections.abc import Mapping
from pathlib import Path

from llamacli.builtin.chat.evaluation import evaluate


def write_card(directory: Path, *, parameters: int, seed: int, tokens: int, hardware: str) -> None:
    """Rates the model saved in `directory` and puts a README.md beside it."""
    scores = evaluate(directory)
    size = sum(path.stat().st_size for path in directory.iterdir()) / 1e6
    text = CARD.format(
        parameters=parameters / 1e6, size=size, seed=seed, tokens=tokens / 1e6, hardware=hardware, table=_table(scores)
    )
    (directory / "README.md").write_text(text, encoding="utf-8")


def _table(scores: Mapping[str, float]) -> str:
    kinds = [name.removeprefix("greedy/") for name in scores if name.startswith("greedy/")]
    return "\n".join(f"| {kind} | {scores[f'greedy/{kind}']:.0%} | {scores[f'sampled/{kind}']:.0%} |" for kind in kinds)


CARD = """\
---
license: mit
pipeline_tag: text-generation
language: [en, ko]
---
# The built-in chat model of llamacli

A Llama model with {parameters:.1f} million parameters ({size:.1f} MB, weights in float16, meant to be loaded in
float32). It makes the first command work on any machine, with no network, no token and no GPU.

## What it is for, and what not
It knows how llamacli is used, greets, does small sums, remembers what it is told in a conversation (a name, a number),
finds a plain statement or an error line in a text, and gives common shell, Git and Python lines, a few facts and
definitions. It speaks English and a little Korean. To everything else it is meant to say that it does not know, and
how to load a larger model. For larger sums it gives the line of Python. To distress and danger it answers that it is
only a small program, and where to turn. It is not for advice, news, essays, translation or programming.

## How it was made
Trained from random weights on conversations that `llamacli/builtin/chat/data.py` draws from
`llamacli/builtin/corpus/chat`; every sentence there was written for this project. Byte-level BPE of 4096 tokens,
Llama 3.1's special tokens and the form of its chat template, a context window of 8192 tokens. {tokens:.0f} million
tokens, seed {seed}, on {hardware}. Rows of 512 tokens first, then of 8192 with long documents before the question. In
about half of the steps the loss is taken after the repetition penalty of 1.21, because the model is decoded with it.
`python -m llamacli.builtin.train chat` makes it again: minutes on a large GPU. The same seed gives the same data; the
weights differ by rounding.

## How good it is
Share of right answers to the questions of `corpus/chat/held_out.txt`, by key words in the answer, greedy and at the
defaults of the tool (temperature 0.64, top-k 51, top-p 0.63, repetition penalty 1.21; mean of three seeds):

| kind | greedy | sampled |
|---|---|---|
{table}

The questions were written by the authors of the corpus, in other words than it has; expect less on yours.

## Limits
It matches wording more than it understands: an unusual question can get the answer to another one, said just as surely.
Rare names may be copied with a letter wrong. It does sums of numbers up to 100 and products up to 12 times 12
only, and must not be relied on for any; nor may its answers be relied on in an emergency.
It follows system prompts hardly at all.
"""
