from pathlib import Path

import pytest
from prompt_toolkit.document import Document

from llamacli.terminal.completion import CommandCompleter


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("/co", ["/continue", "/complexity", "/copy"]),
        ("/complexity m", ["medium"]),
        ("/set top", ["top_k", "top_p"]),
        ("/set top_k ", []),
        ("/model b", ["builtin"]),
        ("/nothing x", []),
        ("co", []),
        ("", []),
    ],
)
def test_tab_offers_commands_and_their_values(text: str, offered: list[str]) -> None:
    found = CommandCompleter().get_completions(Document(text), None)  # type: ignore[arg-type]
    assert [text[: len(text) + c.start_position] + c.text for c in found] == [
        text[: text.find(" ") + 1] + each for each in offered
    ]


def test_tab_offers_files(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    found = CommandCompleter().get_completions(Document(f"/file {tmp_path}/no"), None)  # type: ignore[arg-type]
    assert [completion.text for completion in found] == ["tes.txt"]
