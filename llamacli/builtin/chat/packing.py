"""Conversations as rows of tokens: several in a row, each seeing only itself, the answers marked."""

import multiprocessing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from llamacli.builtin.chat.data import Message, example
from llamacli.builtin.chat.tokenizer import BOS, END_HEADER, EOT, PAD, START_HEADER
from llamacli.builtin.chat.topics import load_corpus

GIVEN, ANSWER, QUESTION = 0, 1, 2
"""What a token is: of the frame or of a system prompt, of an answer, of what a user says."""
LONGEST_QUESTION = 64
"""Tokens of a message beyond which it holds a document, whose words follow from nothing."""


@dataclass(frozen=True)
class Rows:
    """Token ids, the number of each one's conversation, and what each is for the loss; all of shape (rows, length)."""

    tokens: npt.NDArray[np.uint16]
    conversation: npt.NDArray[np.uint8]
    part: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Order:
    """What a worker is to make: which rows, how many, how long, and whether long documents are among them."""

    seed: int
    number: int
    rows: int
    length: int
    long: bool


class Encoder:
    """Turns conversations into token ids exactly as the chat template does."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._bos = self.id(BOS)
        self._eot = self.id(EOT)
        self.pad = self.id(PAD)
        self._headers = {role: self._header(role) for role in ("system", "user", "assistant")}

    def id(self, token: str) -> int:
        """The number of a special token."""
        number = self._tokenizer.token_to_id(token)
        assert number is not None
        return number

    def _header(self, role: str) -> list[int]:
        text = f"{START_HEADER}{role}{END_HEADER}\n\n"
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def encode(self, examples: list[list[Message]]) -> list[tuple[list[int], list[int]]]:
        """For each conversation its token ids and what each is; the end of an answer belongs to it."""
        texts = [message["content"].strip() for messages in examples for message in messages]
        encodings = iter(self._tokenizer.encode_batch_fast(texts, add_special_tokens=False))
        result = []
        for messages in examples:
            ids, parts = [self._bos], [GIVEN]
            for message in messages:
                header, content = self._headers[message["role"]], next(encodings).ids
                ids += [*header, *content, self._eot]
                parts += [GIVEN] * len(header) + [_part(message["role"], len(content))] * (len(content) + 1)
            result.append((ids, parts))
        return result


_corpus = cache(load_corpus)


def make_rows(order: Order, encoder: Encoder) -> Rows:
    """Fills rows with conversations, first into the row that has room; too long ones are left out."""
    rng = Random(order.seed * 1_000_003 + order.number)
    corpus = _corpus()
    shape = (order.rows, order.length)
    tokens = np.full(shape, encoder.pad, np.uint16)
    owner = np.full(shape, 255, np.uint8)
    parts = np.full(shape, GIVEN, np.uint8)
    used = [0] * order.rows
    count = [0] * order.rows
    misses = 0
    while misses < 40:
        for ids, marks in encoder.encode([example(corpus, rng, long=order.long) for _ in range(64)]):
            row = next((r for r in range(order.rows) if used[r] + len(ids) <= order.length and count[r] < 250), None)
            if row is None:
                misses += 1
                continue
            span = slice(used[row], used[row] + len(ids))
            tokens[row, span], owner[row, span], parts[row, span] = ids, count[row], marks
            used[row] += len(ids)
            count[row] += 1
    return Rows(tokens, owner, parts)


def _part(role: str, length: int) -> int:
    if role == "assistant":
        return ANSWER
    return QUESTION if role == "user" and length <= LONGEST_QUESTION else GIVEN


def joined(parts: Iterable[Rows]) -> Rows:
    """The rows of several orders, one after the other."""
    each = list(parts)
    return Rows(
        *(np.concatenate([getattr(rows, name) for rows in each]) for name in ("tokens", "conversation", "part"))
    )


_encoder: Encoder | None = None


def _start_worker(tokenizer_json: str) -> None:
    global _encoder  # a worker process has one encoder for its life
    _encoder = Encoder(Tokenizer.from_str(tokenizer_json))


def _work(order: Order) -> Rows:
    assert _encoder is not None
    return make_rows(order, _encoder)


def stream(orders: list[Order], tokenizer: Tokenizer, workers: int) -> Iterator[Rows]:
    """The rows of every order, in order, made by that many processes (0: in this one); they do not depend on it."""
    if workers == 0:
        encoder = Encoder(tokenizer)
        yield from (make_rows(order, encoder) for order in orders)
        return
    context = multiprocessing.get_context("fork")  # the workers only count tokens, and start at once
    with context.Pool(workers, _start_worker, (tokenizer.to_str(),)) as pool:
        yield from pool.imap(_work, orders)
