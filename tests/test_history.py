"""Saved conversations: they come back, are found, go on in two programs at once, and are deleted for good."""

import os
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from llamacli.chat import ChatSession
from llamacli.complexity import Classification
from llamacli.engine.scripted import Reply, ScriptedClassifier, ScriptedEngine, scripted_models
from llamacli.errors import BadUsage, EngineFailed, HistoryFailed, UnknownConversation
from llamacli.history import FILE_NAME, History, Recording, database, index, store
from llamacli.history.values import Draft, Entry, Held, heading_of
from llamacli.messages import Conversation, Message, Role
from tests.settings import settings

RARE = "쀍쀎쀏쀐"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / FILE_NAME


def chat_of(
    recording: Recording, *replies: str | Reply, begun: Conversation | None = None, **options: Any
) -> ChatSession:
    models = scripted_models(ScriptedEngine.saying(*(replies or ("An answer.",))), ScriptedClassifier())
    return ChatSession.of(models, settings(**options), begun, recording)


def saved(path: Path, *prompts: str, **options: Any) -> str:
    """The id of a conversation that is saved with these prompts."""
    recording = Recording(path, saving=True)
    chat = chat_of(recording, **options)
    for prompt in prompts:
        list(chat.ask(prompt))
    assert recording.id is not None
    return recording.id


def prompts_of(path: Path, name: str) -> list[str]:
    said = History(path).read(name).conversation.messages
    return [message.content for message in said if message.role is Role.USER]


def bytes_of(path: Path) -> bytes:
    """All that is on disk: the file, its log, its shared memory."""
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    text = st.text(min_size=1, max_size=50)
    turns = draw(st.lists(st.tuples(text, text, st.booleans()), min_size=1, max_size=5))
    conversation = Conversation((), draw(st.dates())).with_system(draw(st.none() | text))
    for prompt, answer, stopped in turns:
        conversation = conversation.with_prompt(prompt).with_answer(answer, stopped=stopped)
    return conversation


@given(conversation=conversations())
@hypothesis_settings(max_examples=60, deadline=None)
def test_what_was_saved_comes_back_equal(tmp_path_factory: pytest.TempPathFactory, conversation: Conversation) -> None:
    recording = Recording(tmp_path_factory.getbasetemp() / "equal" / FILE_NAME, saving=True)
    recording.record(conversation, None)
    assert (list(recording.notices()), recording.id is None) == ([], False)
    assert recording.history.read(recording.id or "").conversation == conversation


DEEDS: dict[str, Callable[[ChatSession], object]] = {
    "ask": lambda chat: list(chat.ask(f"prompt {chat.conversation.turns}")),
    "stop": lambda chat: _stopped(chat),
    "edit": lambda chat: list(chat.ask("edited", replacing=True)),
    "retry": lambda chat: list(chat.retry()),
    "go on": lambda chat: list(chat.extend()),
    "undo": lambda chat: chat.undo(),
    "system": lambda chat: chat.set_system(f"System after {chat.conversation.turns}."),
    "no system": lambda chat: chat.set_system(None),
    "clear": lambda chat: chat.clear(),
}


def _stopped(chat: ChatSession) -> None:
    stream = chat.ask("stop me")
    for _ in range(3):
        next(stream, None)
    stream.close()


@given(deeds=st.lists(st.sampled_from(sorted(DEEDS)), max_size=12))
@hypothesis_settings(max_examples=60, deadline=None)
def test_after_every_deed_the_saved_conversation_is_the_one_of_the_chat(
    tmp_path_factory: pytest.TempPathFactory, deeds: list[str]
) -> None:
    recording = Recording(tmp_path_factory.getbasetemp() / "deeds" / FILE_NAME, saving=True)
    chat = chat_of(recording, *(f"answer {number} goes here" for number in range(20)))
    for deed in deeds:
        try:
            DEEDS[deed](chat)
        except BadUsage:
            continue
        if recording.id is None:
            assert not chat.conversation.turns
        else:
            assert recording.history.read(recording.id).conversation == chat.conversation


def test_a_turn_is_saved_before_its_events_end(path: Path) -> None:
    recording = Recording(path, saving=True)
    chat = chat_of(recording, "one two")
    stream = chat.ask("count")
    assert not path.exists()
    for _ in stream:
        pass
    assert prompts_of(path, recording.id or "") == ["count"]


def test_what_made_an_answer_is_kept_beside_it(path: Path) -> None:
    recording = Recording(path, saving=True)
    chat = chat_of(recording, "one two three", " four", max_tokens=2, system="Be brief.", seed=7, stop=["END"])
    list(chat.ask("count"))
    chat.set_system("Be long.")
    list(chat.extend())
    question, answer = History(path).read(recording.id or "").draft.entries
    assert question.made == ()
    first, second = answer.made
    assert (first["model"], first["system"], second["system"]) == ("scripted", "Be brief.", "Be long.")
    assert first["sampling"] | {"stop": ["END"]} == first["sampling"]
    assert (first["sampling"]["seed"], first["sampling"]["temperature"]) == (7, 0.64)
    assert first["complexity"]["level"] == "low"
    assert (first["complexity"]["max_tokens"], first["complexity"]["source"]) == (2, "classifier")
    assert (first["finish_reason"], second["finish_reason"]) == ("length", "stop")
    assert first["usage"]["completion_tokens"] == 2
    assert set(first["timings"]) == {"first_token_s", "total_s", "tokens_per_s", "classify_s"}


def test_a_new_answer_to_the_same_prompt_has_its_own_figures(path: Path) -> None:
    recording = Recording(path, saving=True)
    chat = chat_of(recording, "same", "same")
    list(chat.ask("go"))
    chat.sampling = settings(seed=5).sampling
    list(chat.retry())
    answer = History(path).read(recording.id or "").draft.entries[-1]
    assert [made["sampling"]["seed"] for made in answer.made] == [5]


def test_an_answer_that_breaks_is_saved_as_a_stopped_one(path: Path) -> None:
    recording = Recording(path, saving=True)
    chat = chat_of(recording, Reply("one two three", fault=EngineFailed("the card fell out"), fault_after=2))
    with pytest.raises(EngineFailed):
        list(chat.ask("go"))
    answer = History(path).read(recording.id or "").draft.entries[-1]
    assert (answer.message, answer.made[0]["finish_reason"]) == (
        Message(Role.ASSISTANT, "one two", stopped=True),
        "interrupted",
    )


def test_an_answer_whose_rating_fails_at_its_end_is_saved(path: Path) -> None:
    class Broken(ScriptedClassifier):
        def classify(self, prompts: Sequence[str]) -> list[Classification]:
            raise EngineFailed("no level")

    recording = Recording(path, saving=True)
    models = scripted_models(ScriptedEngine.saying("short"), Broken())
    with pytest.raises(EngineFailed, match="no level"):
        list(ChatSession.of(models, settings(), recorder=recording).ask("one"))
    answer = History(path).read(recording.id or "").draft.entries[-1]
    assert (answer.message.content, answer.made[0]["complexity"]) == ("short", None)


def test_nothing_is_written_unless_it_is_to_be_saved(path: Path) -> None:
    recording = Recording(path, saving=False)
    list(chat_of(recording).ask("secret"))
    assert (recording.id, path.parent.exists()) == (None, False)


def test_saving_may_begin_late_and_keeps_all_there_was(path: Path) -> None:
    recording = Recording(path, saving=False)
    chat = chat_of(recording)
    with pytest.raises(BadUsage):
        recording.save("")
    list(chat.ask("one"))
    name = recording.save("My  title\nhere")
    list(chat.ask("two"))
    found = History(path).read(name)
    assert (found.title, prompts_of(path, name)) == ("My title here", ["one", "two"])
    assert found.draft.entries[1].made[0]["model"] == "scripted"


def test_taking_every_turn_back_leaves_nothing_to_list(path: Path) -> None:
    recording = Recording(path, saving=True)
    chat = chat_of(recording)
    list(chat.ask("one"))
    chat.undo()
    assert History(path).summaries() == []
    with pytest.raises(UnknownConversation):
        History(path).latest()
    list(chat.ask("two"))
    assert [summary.title for summary in History(path).summaries()] == ["two"]


def test_a_loaded_conversation_goes_on_in_place(path: Path) -> None:
    first, other = saved(path, "one", system="Be brief."), saved(path, "other")
    assert History(path).latest() == other
    recording = Recording(path, saving=True)
    begun = recording.load(first).conversation
    list(chat_of(recording, begun=begun).ask("two"))
    assert (recording.id, prompts_of(path, first)) == (first, ["one", "two"])
    assert History(path).latest() == first
    assert [summary.turns for summary in History(path).summaries()] == [2, 1]


def test_two_programs_that_go_on_with_one_conversation_lose_nothing(path: Path) -> None:
    name = saved(path, "one")
    recordings = [Recording(path, saving=True) for _ in range(3)]
    chats = [chat_of(recording, begun=recording.load(name).conversation) for recording in recordings]
    for number, chat in enumerate(chats):
        list(chat.ask(f"from {number}"))
        list(chat.ask(f"again from {number}"))
    ids = [recording.id or "" for recording in recordings]
    assert ids[0] == name
    assert len(set(ids)) == 3
    for number, each in enumerate(ids):
        assert prompts_of(path, each) == ["one", f"from {number}", f"again from {number}"]
    assert not list(recordings[0].notices())
    assert [list(r.notices()) for r in recordings[1:]] == [
        [f"Another program went on with the conversation {name}; this one is now {each}."] for each in ids[1:]
    ]


def test_what_is_deleted_while_it_is_read_is_read_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, find = saved(path, "one"), store._id_of

    def found_and_deleted(connection: sqlite3.Connection, beginning: str) -> str:
        found = find(connection, beginning)
        History(path).delete(None)
        return found

    monkeypatch.setattr(store, "_id_of", found_and_deleted)
    monkeypatch.setattr(database, "BUSY_S", 0.2)  # so long it waits for the reader before it leaves the log as it is
    assert prompts_of(path, name) == ["one"]
    assert History(path).summaries() == []


def test_what_was_deleted_elsewhere_does_not_come_back_by_itself(path: Path) -> None:
    recording = Recording(path, saving=True)
    chat = chat_of(recording)
    list(chat.ask("one"))
    name = recording.id
    History(path).delete(None)
    list(chat.ask("two"))
    list(chat.ask("three"))
    assert list(recording.notices()) == [
        f"The conversation {name} was deleted. It is not saved any more. /save keeps it anew."
    ]
    assert (recording.id, History(path).summaries()) == (None, [])
    assert prompts_of(path, recording.save("")) == ["one", "two", "three"]


@pytest.mark.parametrize("late", [False, True])
def test_a_signal_in_mid_save_is_raised_when_it_is_saved(
    path: Path, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    real, calls = History.write, count()

    def interrupted(self: History, draft: Draft, held: Held | None, writer: str) -> Held:
        first = next(calls) == 0
        if first and not late:
            raise KeyboardInterrupt
        result = real(self, draft, held, writer)
        if first:
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(History, "write", interrupted)
    recording = Recording(path, saving=True)
    chat = chat_of(recording)
    with pytest.raises(KeyboardInterrupt):
        list(chat.ask("one"))
    list(chat.ask("two"))
    assert [summary.turns for summary in History(path).summaries()] == [2]


def test_only_the_person_can_read_it(path: Path) -> None:
    before = os.umask(0)
    try:
        saved(path, "one")
    finally:
        os.umask(before)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    with database.opened(path, create=True) as connection, database.writing(connection):
        connection.execute("UPDATE conversations SET title = 'x'")
        modes = {file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
        assert (len(list(path.parent.iterdir())), modes) == (3, {0o600})


def test_a_file_that_others_can_read_is_made_private(path: Path) -> None:
    saved(path, "one")
    path.chmod(0o644)
    saved(path, "two")
    assert path.stat().st_mode & 0o777 == 0o600


def broken_by_noise(path: Path) -> str:
    path.write_bytes(b"\x13" * 5000)
    return "is broken. file is not a database."


def broken_in_the_middle(path: Path) -> str:
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    return "is broken. database disk image is malformed."


def written_by_a_newer_one(path: Path) -> str:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    return "was written by a newer llamacli. This one leaves it alone."


@pytest.mark.parametrize("spoil", [broken_by_noise, broken_in_the_middle, written_by_a_newer_one])
def test_a_file_that_cannot_be_used_costs_one_notice_and_is_left_alone(
    path: Path, spoil: Callable[[Path], str]
) -> None:
    saved(path, "one")
    said = spoil(path)
    before = path.read_bytes()
    recording = Recording(path, saving=True)
    chat = chat_of(recording)
    list(chat.ask("one"))
    list(chat.ask("two"))
    assert (chat.conversation.turns, recording.id) == (2, None)
    [notice] = recording.notices()
    assert notice.startswith("The conversation is not saved. ")
    assert said in notice
    assert path.read_bytes() == before
    with pytest.raises(HistoryFailed):
        History(path).summaries()


def test_what_could_not_be_saved_is_saved_with_the_next_turn(path: Path) -> None:
    path.parent.write_bytes(b"in the way")
    recording = Recording(path, saving=True)
    chat = chat_of(recording)
    list(chat.ask("one"))
    [notice] = recording.notices()
    assert notice.startswith(f"The conversation is not saved. The history {path} cannot be used. File exists.")
    path.parent.unlink()
    list(chat.ask("two"))
    assert prompts_of(path, recording.id or "") == ["one", "two"]


def test_half_a_character_costs_a_notice(path: Path) -> None:
    recording = Recording(path, saving=True)
    list(chat_of(recording).ask("\ud800"))
    assert "half a character" in next(recording.notices())


def test_a_writer_that_does_not_let_go_costs_a_notice(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.1)
    saved(path, "one")
    recording = Recording(path, saving=True)
    with database.opened(path, create=True) as connection, database.writing(connection):
        list(chat_of(recording).ask("two"))
    assert "Another program has been writing" in next(recording.notices())


def test_an_older_file_is_brought_up_to_date_and_keeps_what_it_holds(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = saved(path, "one")
    newer = (*database.MIGRATIONS, ("ALTER TABLE conversations ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'",))
    monkeypatch.setattr(database, "MIGRATIONS", newer)
    assert prompts_of(path, name) == ["one"]
    with database.opened(path, create=False) as connection:
        assert connection.execute("SELECT colour FROM conversations").fetchone()["colour"] == "red"
        assert connection.execute("PRAGMA user_version").fetchone()[0] == len(newer)


def test_a_migration_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(path, "one")
    monkeypatch.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, ("CREATE TABLE extra (x)", "NONSENSE")))
    with pytest.raises(HistoryFailed):
        History(path).summaries()
    monkeypatch.undo()
    assert len(History(path).summaries()) == 1
    with database.opened(path, create=False) as connection:
        assert not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'extra'").fetchall()


def test_the_file_is_logged_ahead(path: Path) -> None:
    saved(path, "one")
    with database.opened(path, create=False) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL: a power cut loses no ended turn


def test_reading_makes_no_file(path: Path) -> None:
    assert (History(path).summaries(), History(path).search("x")) == ([], [])
    assert not path.parent.exists()


def test_an_id_is_found_by_its_beginning(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    letters = iter("bcdfgbcdfhkcdfg")
    monkeypatch.setattr(secrets, "choice", lambda _: next(letters))
    for prompt in ("one", "two", "three"):
        saved(path, prompt)
    history = History(path)
    assert history.find(["k", "BCDFH", "kc", "bcdfg"]) == ["kcdfg", "bcdfh", "bcdfg"]
    with pytest.raises(UnknownConversation, match="More than one conversation begins with 'bcd'") as refused:
        history.find(["bcd"])
    assert refused.value.reason == "bcdfg, bcdfh."
    for unknown in ("", " ", "x", "bcdfgg", "%", "_cdfg"):
        with pytest.raises(UnknownConversation, match="There is no conversation"):
            history.read(unknown)


def test_an_id_that_is_taken_grows(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    letters = iter("bcdfgbcdfgh")
    monkeypatch.setattr(secrets, "choice", lambda _: next(letters))
    assert (saved(path, "one"), saved(path, "two")) == ("bcdfg", "bcdfgh")
    assert History(path).find(["bcdfg"]) == ["bcdfg"]


@pytest.mark.parametrize(
    ("prompt", "heading"),
    [
        ("what is a llama", "what is a llama"),
        ("  two\nlines\there ", "two lines here"),
        ("```notes.md\n# Notes\n```\n\nwhat is left", "what is left"),
        ("```notes.md\n# Notes\n```", "```notes.md # Notes ```"),
        ("word " * 40, "word " * 11 + "word…"),
        ("가" * 100, "가" * 59 + "…"),
        ("", ""),
    ],
)
def test_a_conversation_is_called_by_the_first_words_of_its_first_prompt(prompt: str, heading: str) -> None:
    assert heading_of(prompt) == heading


@pytest.fixture(params=[True, False], ids=["with the index", "without it"])
def indexed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if not request.param:
        monkeypatch.setattr(index, "available", lambda _: False)
    return bool(request.param)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("계획", "ko"),
        ("계획서", "ko"),
        ("계획서를 사업", "ko"),
        ("QUICK", "en"),
        ("sort quick", "en"),
        ('"quick"', "en"),
        ("qu", "en"),
        ("100%", "en"),
        ("0%", "en"),
        ("_y", "en"),
        ("x_y", "en"),
        ("C:\\dir", "en"),
        ("quick nothing", ""),
        ("quick 사업", ""),
        ("q%k", ""),
        ("q_i", ""),
        ("quick OR nothing", ""),
        ("quick*", ""),
        (" ", ""),
    ],
)
@pytest.mark.usefixtures("indexed")
def test_a_text_is_found_in_any_language(path: Path, text: str, found: str) -> None:
    ids = {
        "ko": saved(path, "사업 계획서를 써 줘"),
        "en": saved(path, 'explain "quick" sort, 100% of x_y in C:\\dir'),
    }
    assert [each.summary.id for each in History(path).search(text)] == ([ids[found]] if found else [])


def test_what_is_found_names_the_messages(path: Path) -> None:
    name = saved(path, "one llama", "two")
    [found] = History(path).search("llama")
    assert (found.summary.id, dict(found.messages)) == (name, {0: Message(Role.USER, "one llama")})


def test_a_given_title_is_searched_too(path: Path) -> None:
    recording = Recording(path, saving=True)
    list(chat_of(recording).ask("one"))
    recording.save("Über Lamas")
    [found] = History(path).search("über")
    assert (found.summary.title, found.messages) == ("Über Lamas", {})


def test_what_was_taken_back_is_not_found(path: Path) -> None:
    recording = Recording(path, saving=True)
    chat = chat_of(recording)
    list(chat.ask("a llama"))
    list(chat.ask("an alpaca"))
    chat.undo()
    assert (len(History(path).search("llama")), History(path).search("alpaca")) == (1, [])


def test_an_index_that_fell_behind_is_made_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(path, "a llama")
    with monkeypatch.context() as without:
        without.setattr(index, "available", lambda _: False)
        name = saved(path, "an alpaca")
        History(path).delete([History(path).search("llama")[0].summary.id])
    assert [each.summary.id for each in History(path).search("alpaca")] == [name]
    assert History(path).search("llama") == []


def test_deleted_text_is_gone_from_the_file(path: Path) -> None:
    name, kept = saved(path, f"{RARE} is secret", f"more {RARE}"), saved(path, "this stays")
    assert RARE.encode() in bytes_of(path)
    assert RARE[:3].encode() in bytes_of(path)  # as the index holds it
    assert History(path).delete([name])
    assert [summary.id for summary in History(path).summaries()] == [kept]
    assert RARE.encode() not in bytes_of(path)
    assert RARE[:3].encode() not in bytes_of(path)
    assert b"this stays" in bytes_of(path)


def test_all_can_be_deleted(path: Path) -> None:
    for number in range(5):
        saved(path, f"{RARE} {number}")
    assert History(path).delete(None)
    assert History(path).summaries() == []
    assert RARE[:3].encode() not in bytes_of(path)


def test_a_reader_that_holds_deleted_text_back_is_told_of(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.1)
    name = saved(path, RARE)
    with database.opened(path, create=False) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM messages").fetchall()
        assert not History(path).delete([name])
    assert History(path).delete([])
    assert RARE.encode() not in bytes_of(path)


def test_equal_messages_are_not_written_again(path: Path) -> None:
    name = saved(path, "one", "two")
    history = History(path)
    read = history.read(name)
    with database.opened(path, create=False) as connection:
        before = [row["key"] for row in connection.execute("SELECT key FROM messages ORDER BY position")]
    longer = Draft(None, date.today(), (*read.draft.entries, Entry(Message(Role.USER, "three"))))
    history.write(longer, read.held, "another writer")
    with database.opened(path, create=False) as connection:
        after = [row["key"] for row in connection.execute("SELECT key FROM messages ORDER BY position")]
    assert (after[:4], len(after)) == (before, 5)
