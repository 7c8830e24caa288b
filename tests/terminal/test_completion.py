import asyncio
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent, Completion
from prompt_toolkit.document import Document

from llamacli.history import FILE_NAME, Recording
from llamacli.settings import Settings
from llamacli.terminal import completion
from llamacli.terminal.commands import COMMANDS, Command, run
from llamacli.terminal.completion import CommandCompleter
from llamacli.terminal.offers import Offer
from tests.settings import settings
from tests.terminal.talk import talk


def found(typed: str, **chosen: object) -> list[Completion]:
    return list(CommandCompleter(settings(**chosen)).get_completions(Document(typed), CompleteEvent()))


def completed(typed: str, **chosen: object) -> list[str]:
    """What the line may become."""
    return [typed[: len(typed) + each.start_position] + each.text for each in found(typed, **chosen)]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("/co", ["/continue", "/complexity", "/copy"]),
        ("/complexity m", ["/complexity medium"]),
        ("/COMPLEXITY  m", ["/COMPLEXITY  medium"]),
        ("/set top", ["/set top_k", "/set top_p"]),
        ("/set top-p ", ["/set top-p 0.63", "/set top-p 0.01", "/set top-p 1"]),
        ("/set max_tokens ", [f"/set max_tokens {value}" for value in ("100", "250", "500", "none", "1", "1000000")]),
        ("/set seed n", ["/set seed none"]),
        ("/set nothing ", []),
        ("/system n", ["/system none"]),
        ("/nothing x", []),
        ("/undo ", []),
        ("co", []),
        ("", []),
    ],
)
def test_tab_offers_commands_and_their_arguments(typed: str, offered: list[str]) -> None:
    assert completed(typed) == offered


def test_what_an_argument_means_stands_beside_it() -> None:
    said = {each.display_text: each.display_meta_text for each in found("/complexity ")}
    assert (said["low"], said["off"]) == ("100 tokens", "no classifier, 250 tokens")
    assert found("/set temp")[0].display_meta_text == "0 to 5: Randomness; 0 is greedy."
    assert [each.display_text for each in found("/set top_k ")] == ["51", "0", "1000000"]


def test_load_offers_conversations_by_id_and_by_title(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    ids = [
        talk(f"{prompt}\n", recording=Recording(path, saving=True)).repl.chat.recording.id or ""
        for prompt in ("about\x1b[2J llamas", "사업 계획")
    ]
    offered = {each.text: each.display_meta_text for each in found("/load ", data_dir=tmp_path)}
    assert offered == {ids[0]: "about␛[2J llamas", ids[1]: "사업 계획"}
    assert completed(f"/load {ids[0][:4]}", data_dir=tmp_path) == [f"/load {ids[0]}"]
    assert completed("/load LLAMAS", data_dir=tmp_path) == [f"/load {ids[0]}"]
    assert completed("/load 사업 계", data_dir=tmp_path) == [f"/load {ids[1]}"]


def test_a_history_that_is_broken_offers_nothing(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"\x13" * 5000)
    assert completed("/load ", data_dir=tmp_path) == []
    assert completed("/load ", data_dir=tmp_path / "nowhere") == []


def test_model_offers_presets_what_is_on_disk_and_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offered = {each.text: each.display_meta_text for each in found("/model ", cache_dir=tmp_path)}
    assert list(offered)[:2] == ["auto", "builtin"]
    assert "llama-3.1-8b" in offered
    assert completed("/model ", endpoint="http://127.0.0.1:1") == ["/model auto"]
    (tmp_path / "my model").mkdir()
    monkeypatch.chdir(tmp_path)
    assert completed("/model ./my") == ["/model ./my model/"]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("notes.txt", "my notes.txt", "보고서.md", ".hidden", "bad\nname", "turned\u202ename"):
        (tmp_path / name).write_text("text", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inner.txt").write_text("text", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("", ["folder/", "my notes.txt", "notes.txt", "보고서.md"]),
        ("no", ["notes.txt"]),
        ("my n", ["my notes.txt"]),
        ('"my n', ['"my notes.txt"']),
        ("'fold", ["'folder/"]),
        ("'folder/", ["'folder/inner.txt'"]),
        ("보", ["보고서.md"]),
        (".h", [".hidden"]),
        ("~/fo", ["~/folder/"]),
        ('"~/my', ['"~/my notes.txt"']),
        ("folder/x", []),
        ("nowhere/", []),
        ("~nobody-at-all/", []),
    ],
)
def test_file_offers_paths_that_it_can_read(files: Path, typed: str, offered: list[str]) -> None:
    lines = completed(f"/file {typed}")
    assert lines == [f"/file {each}" for each in offered]
    chat = talk("").repl.chat
    for line in lines:
        if not line.endswith("/"):
            run(chat, line)
    assert all(text == "text" for _, text in chat.attached)


def test_a_path_from_the_root(files: Path) -> None:
    assert completed(f"/file {files}/no") == [f"/file {files}/notes.txt"]


def test_tab_waits_for_nothing_and_gives_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    asleep = threading.Event()

    def sleeping(_settings: Settings, _typed: str) -> Iterable[Offer]:
        asleep.wait(10)
        return [Offer("x")]

    slow = Command(("/slow",), "X", "", COMMANDS[0].action, sleeping)
    monkeypatch.setattr(completion, "COMMANDS", (slow,))
    monkeypatch.setattr(completion, "_PATIENCE_S", 0.3)

    async def tab() -> tuple[list[str], int]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.01)

        ticking = asyncio.ensure_future(tick())
        completer = CommandCompleter(settings())
        offered = [each.text async for each in completer.get_completions_async(Document("/slow "), CompleteEvent())]
        ticking.cancel()
        return offered, ticks

    started = time.monotonic()
    offered, ticks = asyncio.run(tab())
    assert (offered, time.monotonic() - started < 5) == ([], True)
    assert ticks > 5
    asleep.set()
    assert asyncio.run(tab())[0] == ["x"]
