"""Asks the built-in chat model the held-out questions and counts the right answers by kind."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from llamacli.builtin.chat.data import Message
from llamacli.builtin.chat.texts import document
from llamacli.builtin.chat.topics import CORPUS_DIR, load_corpus

HELD_OUT = CORPUS_DIR / "held_out.txt"
DEFAULTS = {"temperature": 0.64, "top_k": 51, "top_p": 0.63, "repetition_penalty": 1.21}


@dataclass
class Check:
    """A conversation of held-out turns, and what its last answer must and must not contain."""

    kind: str
    system: str = ""
    document: int = 0
    turns: list[str] = field(default_factory=list)
    must: list[str] = field(default_factory=list)
    must_not: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    @property
    def right(self) -> bool:
        """Whether the last answer passes; letters count whatever their case."""
        answer = self.answers[-1].lower()
        return all(any(part in answer for part in must.lower().split("|")) for must in self.must) and not any(
            part.lower() in answer for part in self.must_not
        )

    def messages(self) -> list[Message]:
        """The conversation up to the turn that is to be answered."""
        messages = [{"role": "system", "content": self.system}] if self.system else []
        for turn, answer in zip(self.turns, self.answers, strict=False):
            messages += [{"role": "user", "content": turn}, {"role": "assistant", "content": answer}]
        return [*messages, {"role": "user", "content": self.turns[len(self.answers)]}]


def read_checks(path: Path = HELD_OUT) -> list[Check]:
    """The held-out questions of a file; its head explains the form."""
    checks, kind, fresh = list[Check](), "", True
    for line in path.read_text(encoding="utf-8").splitlines():
        mark, _, text = line.partition(" ")
        if line.startswith("["):
            kind = line.strip("[]")
        elif not line:
            fresh = True
        elif mark != "#":
            if fresh:
                checks.append(Check(kind))
                fresh = False
            _add(checks[-1], mark, text)
    return _with_documents(checks)


def _add(check: Check, mark: str, text: str) -> None:
    if mark == "?":
        check.turns.append(text.replace("\\n", "\n"))
    elif mark == "+":
        # "a | b" with spaces is a pipe of the shell, "a|b" are alternatives
        check.must.append(text if not text.startswith("| ") else text[2:])
    elif mark == "-":
        check.must_not.append(text)
    elif mark == "s":
        check.system = text
    else:
        check.document = int(text)


def _with_documents(checks: list[Check]) -> list[Check]:
    corpus = load_corpus()
    for number, check in enumerate(checks):
        if check.document:
            text = document(corpus, Random(f"held-out {number}"), check.document)
            check.turns[-1] = f"{text}\n\n{check.turns[-1]}"
    return checks


def answer_all(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    checks: list[Check],
    *,
    sampled: bool,
    characters: int = 40_000,
) -> None:
    """Fills in the answers, turn by turn; `sampled` with the tool's defaults, else greedy.

    A batch holds at most about that many characters, padding included, or one conversation.
    """
    for check in checks:
        check.answers = []
    settings: Mapping[str, object] = (
        DEFAULTS | {"do_sample": True} if sampled else {"do_sample": False, "repetition_penalty": 1.21}
    )
    while waiting := [check for check in checks if len(check.answers) < len(check.turns)]:
        waiting.sort(key=_size)
        while waiting:
            fits = max(1, sum(_size(check) * (number + 1) <= characters for number, check in enumerate(waiting)))
            _answer_batch(model, tokenizer, waiting[:fits], settings)
            waiting = waiting[fits:]


def _size(check: Check) -> int:
    return 40 + sum(len(turn) + 100 for turn in check.turns)


def _answer_batch(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, checks: list[Check], settings: Mapping[str, object]
) -> None:
    texts = [
        tokenizer.apply_chat_template(check.messages(), tokenize=False, add_generation_prompt=True) for check in checks
    ]
    inputs = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False).to(model.device)
    with torch.inference_mode():
        output = model.generate(**inputs, max_new_tokens=120, **settings)  # type: ignore[operator]
    width = inputs["input_ids"].shape[1]
    for check, ids in zip(checks, output, strict=True):
        check.answers.append(str(tokenizer.decode(ids[width:], skip_special_tokens=True)).strip())


def scores(checks: list[Check]) -> dict[str, float]:
    """The share of right answers by kind, and over all under `all`."""
    kinds = {
        kind: [check.right for check in checks if check.kind == kind] for kind in dict.fromkeys(c.kind for c in checks)
    }
    everything = [check.right for check in checks]
    return {kind: sum(marks) / len(marks) for kind, marks in [*kinds.items(), ("all", everything)]}


def evaluate(
    directory: Path, questions: Path = HELD_OUT, *, seeds: int = 3, failures: bool = False
) -> Mapping[str, float]:
    """Scores by kind: `greedy/KIND`, and `sampled/KIND`, the mean over that many seeds at the tool's defaults."""
    tokenizer = AutoTokenizer.from_pretrained(directory)
    model = AutoModelForCausalLM.from_pretrained(directory).float().eval()
    model = model.to("cuda" if torch.cuda.is_available() else "cpu")
    checks = read_checks(questions)
    result: dict[str, float] = {}
    for run in range(seeds + 1):
        torch.manual_seed(run)
        answer_all(model, tokenizer, checks, sampled=run > 0)
        if failures:
            _show_failures(checks)
        for kind, share in scores(checks).items():
            key = f"sampled/{kind}" if run else f"greedy/{kind}"
            result[key] = result.get(key, 0.0) + (share / seeds if run else share)
    return result


def _show_failures(checks: list[Check]) -> None:
    for check in checks:
        if not check.right:
            print(f"[{check.kind}] {check.turns[-1][-90:]!r} -> {check.answers[-1][:230]!r}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Print the failures of a chat model and its scores.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--questions", type=Path, default=HELD_OUT)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    table = evaluate(arguments.directory, arguments.questions, seeds=arguments.seeds, failures=True)
    for name, value in table.items():
        print(f"{name:24} {value:.3f}")
