"""Sampled ids to text, piece by piece."""

from collections.abc import Sequence

from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream


class Detokenizer:
    """A stage with `feed` and `finish`: the joined pieces equal one decoding of all ids.

    A piece is only given when its characters are whole. `context` are ids of the same answer that were shown before.
    """

    def __init__(self, tokenizer: Tokenizer, context: Sequence[int] = ()) -> None:
        self._tokenizer = tokenizer
        self._context = list(context)
        self._stream = DecodeStream(skip_special_tokens=True)
        # Not DecodeStream(ids=...), which shows its ids once more where they end inside a character.
        for token in self._context:
            self._stream.step(tokenizer, token)
        self._ids: list[int] = []
        self._shown = 0

    def feed(self, token: int) -> str:
        """The text that became certain with this token; often empty within a character."""
        self._ids.append(token)
        piece = self._stream.step(self._tokenizer, token) or ""
        self._shown += len(piece)
        return piece

    def finish(self) -> str:
        """What one decoding of all ids would add: U+FFFD for a character that was cut."""
        whole = self._decode(self._context + self._ids)
        before = len(self._decode(self._context).removesuffix("\ufffd"))
        return whole[before + self._shown :]

    def _decode(self, ids: Sequence[int]) -> str:
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)
