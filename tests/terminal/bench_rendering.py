"""CPU seconds of showing an answer live, here and by Rich's own Live(Markdown(...)).

Run it with: python -m tests.terminal.bench_rendering [--quick]

Answers of 250, 1,000 and 4,000 tokens of four characters come at 30 tokens a second of a clock that does not wait,
so that the throttle sees the time that a real answer takes. Rich draws each token, as its examples do, and takes a
quarter of an hour; `--quick` leaves Rich out. The last line is JSON.
"""

import io
import json
import sys
import time
from collections.abc import Callable

from rich.console import Console
from rich.live import Live
from rich.markdown import Markdown

from llamacli.terminal.console import console_of
from llamacli.terminal.live import MarkdownAnswer
from tests.terminal.documents import ANSWER
from tests.terminal.emulator import SIZE

TOKENS_PER_S = 30
PROSE = "A sentence of *prose*, as models like to write them, which runs over a row and says `nothing` of any use. "
ROW = "| row {0} | a **cell** of the table | {0} |\n"
DOCUMENTS: dict[str, Callable[[int], str]] = {
    "prose": lambda n: f"## Part {n}\n\n{ANSWER.partition(chr(10))[2]}\n{PROSE * 5}\n\n",
    "code": lambda n: f"{'' if n else '```python' + chr(10)}line_{n} = compute(n, {n})  # a comment\n",
    "list": lambda n: f"{n + 1}. **item** number {n} of `the` list with words\n",
    "table": lambda n: ("" if n else "| a | b | c |\n|---|---|--:|\n") + ROW.format(n),
    "one paragraph": lambda n: PROSE,
}
BESIDE_RICH = ("prose", "code")


def document(kind: str, tokens: int) -> str:
    text = ""
    for part in range(tokens):
        text += DOCUMENTS[kind](part)
        if len(text) >= tokens * 4:
            break
    return text[: tokens * 4]


def ours(text: str) -> float:
    console = console_of(io.StringIO(), {"TERM": "xterm-256color"}, SIZE.columns, styled=True)
    arrived = 0.0
    answer = MarkdownAnswer(console, lambda: SIZE, live=True, clock=lambda: arrived + time.process_time())
    started = time.process_time()
    for place in range(0, len(text), 4):
        arrived += 1 / TOKENS_PER_S
        answer.feed(text[place : place + 4])
    answer.finish()
    return time.process_time() - started


def richs(text: str) -> float:
    console = Console(file=io.StringIO(), force_terminal=True, width=SIZE.columns, height=SIZE.lines)
    started = time.process_time()
    with Live(console=console, auto_refresh=False) as live:
        for place in range(4, len(text) + 4, 4):
            live.update(Markdown(text[:place]), refresh=True)
    return time.process_time() - started


def main() -> None:
    ours(document("prose", 100))
    results: dict[str, dict[str, float]] = {}
    for kind in DOCUMENTS:
        for tokens in (250, 1_000, 4_000):
            row = {"llamacli_s": round(ours(document(kind, tokens)), 2)}
            if kind in BESIDE_RICH and "--quick" not in sys.argv:
                row["rich_s"] = round(richs(document(kind, tokens)), 2)
            results[f"{kind} {tokens}"] = row
            sys.stderr.write(f"{kind} {tokens:,}: {row}\n")
    sys.stdout.write(json.dumps({"benchmark": "rendering", "tokens_per_s": TOKENS_PER_S, "cpu": results}) + "\n")


if __name__ == "__main__":
    main()
