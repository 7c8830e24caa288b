"""Writes the model card of the built-in chat model, with its scores on the held-out questions."""

from collections.abc import Mapping
from pathlib import Path

from llamacli.builtin.chat.evaluation import HELD_OUT, evaluate

SECOND = HELD_OUT.with_name("held_out_second.txt")


def write_card(directory: Path, *, parameters: int, seed: int, tokens: int, hardware: str) -> None:
    """Rates the model saved in `directory` and puts a README.md beside it."""
    first, second = evaluate(directory), evaluate(directory, SECOND, seeds=1)
    size = sum(path.stat().st_size for path in directory.iterdir()) / 1e6
    facts = {"parameters": parameters / 1e6, "size": size, "seed": seed, "tokens": tokens / 1e6, "hardware": hardware}
    text = CARD.format(**facts, table=_table(first, second))
    (directory / "README.md").write_text(text, encoding="utf-8")


def _table(*sets: Mapping[str, float]) -> str:
    kinds = dict.fromkeys(name.partition("/")[2] for scores in sets for name in scores if name != "greedy/all")
    columns = [(scores, way) for scores in sets for way in ("greedy", "sampled")]

    def row(kind: str) -> str:
        cells = (f"{scores[f'{way}/{kind}']:.0%}" if f"{way}/{kind}" in scores else "-" for scores, way in columns)
        return f"| {kind} | {' | '.join(cells)} |"

    return "\n".join(map(row, [*(kind for kind in kinds if kind != "all"), "all"]))


CARD = """\
---
license: mit
pipeline_tag: text-generation
language: [en, ko]
---
# The built-in chat model of llamacli

A Llama model with {parameters:.1f} million parameters ({size:.1f} MB, weights in 8 bits (FP8), meant to be loaded in
float32). It makes the first command work on any machine, with no network, no token and no GPU.

Only the linear layers are in 8 bits, as DeepSeek stores them, here in blocks of 32 x 32; transformers >= 5.17 makes
plain layers of them while it loads, and leaves embeddings and norms in float16. llamacli brings all to one type;
elsewhere `AutoModelForCausalLM.from_pretrained(directory).float()` does.

## What it is for, and what not
It knows how llamacli is used, greets, does small sums, remembers what it is told in a conversation (a name, a number),
finds the line of a short text that answers a question, and gives common shell, Git and Python lines, plain facts and
definitions. It speaks English, and Korean about the tool. To everything else it is meant to say that it does not know,
and how to load a larger model. For larger sums it gives the line of Python. To distress and danger it answers that it
is only a small program, and where to turn. It is not for advice, news, essays, translation or programming.

## How it was made
Trained from random weights on conversations that `llamacli/builtin/chat/data.py` draws from
`llamacli/builtin/corpus/chat`; every sentence there was written for this project. Byte-level BPE of 4096 tokens,
Llama 3.1's special tokens and the form of its chat template, a context window of 8192 tokens. {tokens:.0f} million
tokens, seed {seed}, on {hardware}. Rows of 512 tokens, and after two fifths of the steps now and then of 8192, with
long documents before the question. In most steps the loss is taken after the repetition penalty of 1.21, because the
model is decoded with it.
`python -m llamacli.builtin.train chat` makes it again: an hour on a large GPU. The same seed gives the same data;
the weights differ by rounding.

## How good it is
Share of right answers, by key words in the answer, greedy and at the defaults of the tool (temperature 0.64, top-k 51,
top-p 0.63, repetition penalty 1.21), to the questions of `corpus/chat/held_out.txt` (mean of three seeds) and of
`held_out_second.txt` (one seed):

| kind | first, greedy | sampled | second, greedy | sampled |
|---|---|---|---|---|
{table}

The first set was written by the authors of the corpus, in other words than it has. The second was written by somebody
who had not seen the corpus; some of its failures, of an earlier model, were looked at for what kinds of wordings the
corpus lacked, none of its questions was put into it. Expect the second figures, or less, on yours.

## Limits
It matches wording more than it understands: an unusual question can get the answer to another one, said just as surely.
Rare names may be copied with a letter wrong. It does sums of numbers up to 100 and products up to 20 times 10
only, and must not be relied on for any; nor may its answers be relied on in an emergency.
Of a text of some hundred words it quotes the wrong line once in four or five times; of one longer than some 2000
characters more often, and to a question that has nothing to do with such a text it may make up a quotation. Of a system
prompt it takes its name, and to answer in Korean; hardly more.
"""
