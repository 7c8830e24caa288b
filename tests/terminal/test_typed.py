"""What was typed is kept in a private file, or for as long as the chat lasts."""

import asyncio
import stat
from multiprocessing import get_context
from pathlib import Path

import pytest

from llamacli.terminal.typed import TypedHistory


def remembered(history: TypedHistory) -> list[str]:
    async def load() -> list[str]:
        return [text async for text in history.load()]

    return asyncio.run(load())


def test_the_file_and_its_directory_are_private(tmp_path: Path) -> None:
    path = tmp_path / "data" / "typed"
    TypedHistory(path, keeping=True).append_string("x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o644)
    TypedHistory(path, keeping=True).append_string("y")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert remembered(TypedHistory(path, keeping=True)) == ["y", "x"]


def test_what_is_not_to_be_kept_leaves_no_trace_and_the_rest_is_remembered(tmp_path: Path) -> None:
    path = tmp_path / "data" / "typed"
    silent = TypedHistory(path, keeping=False)
    silent.append_string("x")
    assert remembered(silent) == ["x"]
    assert not path.parent.exists()
    TypedHistory(path, keeping=True).append_string("before")
    again = TypedHistory(path, keeping=False)
    assert remembered(again) == ["before"]
    again.append_string("y")
    assert (remembered(again), remembered(TypedHistory(path, keeping=True))) == (["y", "before"], ["before"])


@pytest.mark.parametrize("kind", ["file in place of the directory", "directory in place of the file"])
def test_what_cannot_be_written_is_remembered_until_the_chat_ends(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "data" / "typed"
    if kind.startswith("file"):
        path.parent.touch()
    else:
        path.mkdir(parents=True)
    history = TypedHistory(path, keeping=True)
    history.append_string("one")
    assert remembered(history) == ["one"]


def _append(path: Path, letter: str) -> None:
    for number in range(100):
        TypedHistory(path, keeping=True).append_string("\n".join([f"{letter}{number}"] * 2000))


def test_two_that_write_at_once_mix_nothing_up(tmp_path: Path) -> None:
    path = tmp_path / "typed"
    writers = [get_context("fork").Process(target=_append, args=(path, letter)) for letter in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = remembered(TypedHistory(path, keeping=True))
    assert sorted(found) == sorted("\n".join([f"{letter}{n}"] * 2000) for letter in "ab" for n in range(100))
