"""Drawing an answer costs little, however long it is: figures with room for a slower machine."""

import pytest

from tests.terminal.bench_rendering import DOCUMENTS, document, ours


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_four_thousand_tokens_cost_no_more_than_a_second_and_a_half(kind: str) -> None:
    text = document(kind, 4_000)
    assert len(text) == 16_000
    assert ours(text) < 1.5 or ours(text) < 1.5  # a busy machine may disturb one
