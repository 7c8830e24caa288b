"""A conversation, and what an interrupted, undone, retried or continued turn leaves."""

import threading
from collections.abc import Generator, Sequence
from concurrent.futures import Future

import pytest

from llamacli.chat import ChatSession, Complexity
from llamacli.complexity import Classification, Level
from llamacli.engine import Models
from llamacli.engine.base import Classifier, Engine
from llamacli.engine.scripted import Reply, ScriptedClassifier, ScriptedEngine, scripted_models
from llamacli.errors import BadUsage, EngineFailed
from llamacli.events import Event, FinishReason, TextDelta
from llamacli.messages import Message, Role
from tests.settings import settings

LONG = " ".join(f"w{number}" for number in range(700))


class SlowClassifier(ScriptedClassifier):
    """Says that everything is hard, but not before it is released."""

    def __init__(self) -> None:
        super().__init__(default=Level.HIGH)
        self.release = threading.Event()
        self.has_rated = threading.Event()

    def classify(self, prompts: Sequence[str]) -> list[Classification]:
        self.release.wait(10)
        self.has_rated.set()
        return super().classify(prompts)


def session(engine: ScriptedEngine, classifier: Classifier | None = None, **options: object) -> ChatSession:
    return ChatSession.of(scripted_models(engine, classifier), settings(**options))


def said(chat: ChatSession, prompt: str) -> str:
    return "".join(event.text for event in chat.ask(prompt) if isinstance(event, TextDelta))


def made_tokens(chat: ChatSession) -> int:
    assert chat.last is not None
    return chat.last.finished.usage.completion_tokens


def complexity(chat: ChatSession) -> Complexity:
    assert chat.last is not None
    assert chat.last.complexity is not None
    return chat.last.complexity


def contents(chat: ChatSession) -> list[str]:
    return [message.content for message in chat.conversation.messages]


def test_each_turn_sees_all_before_it() -> None:
    engine = ScriptedEngine.saying("Hello Ada.", "You are Ada.")
    chat = session(engine, system="be brief")
    assert said(chat, "I am Ada") == "Hello Ada."
    assert said(chat, "who am I") == "You are Ada."
    asked = engine.requests[1].conversation.messages
    assert [m.content for m in asked] == ["be brief", "I am Ada", "Hello Ada.", "who am I"]
    assert [m.role for m in asked] == [Role.SYSTEM, Role.USER, Role.ASSISTANT, Role.USER]


@pytest.mark.parametrize("level", list(Level))
def test_the_classifier_sets_the_budget(level: Level) -> None:
    chat = session(ScriptedEngine.saying(LONG), ScriptedClassifier({"hard": level}))
    said(chat, "hard")
    assert made_tokens(chat) == level.max_tokens
    found = complexity(chat)
    assert (found.level, found.max_tokens, found.source) == (level, level.max_tokens, "classifier")
    assert found.scores is not None
    assert found.scores[level] == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("options", "level", "tokens"),
    [
        ({"complexity": "high"}, Level.HIGH, 500),
        ({"complexity": "off"}, Level.MEDIUM, 250),
        ({"complexity": "low", "max_tokens": 7}, Level.LOW, 7),
    ],
)
def test_a_person_decides_in_place_of_the_classifier(options: dict[str, object], level: Level, tokens: int) -> None:
    classifier = ScriptedClassifier()
    chat = session(ScriptedEngine.saying(LONG), classifier, **options)
    said(chat, "anything")
    assert made_tokens(chat) == tokens
    assert (complexity(chat).level, complexity(chat).source) == (level, "option")
    assert not classifier.prompts


def read_low_budget(stream: Generator[Event, None, None]) -> None:
    """Read as much of an answer as every level allows."""
    for event in stream:
        if isinstance(event, TextDelta) and event.tokens == Level.LOW.max_tokens:
            return


def test_an_answer_begins_while_its_prompt_is_rated_and_waits_only_at_the_low_budget() -> None:
    classifier = SlowClassifier()
    engine = ScriptedEngine.saying(LONG)
    chat = session(engine, classifier)
    stream = chat.ask("hard")
    read_low_budget(stream)
    assert (engine.sampled, classifier.has_rated.is_set()) == (Level.LOW.max_tokens, False)
    classifier.release.set()
    list(stream)
    assert made_tokens(chat) == Level.HIGH.max_tokens
    assert complexity(chat).source == "classifier"


def test_an_answer_begins_while_the_classifier_is_loading() -> None:
    engine: Future[Engine] = Future()
    engine.set_result(ScriptedEngine.saying(LONG))
    classifier: Future[Classifier] = Future()
    chat = ChatSession.of(Models(engine, classifier), settings())
    stream = chat.ask("hard")
    read_low_budget(stream)
    classifier.set_result(ScriptedClassifier(default=Level.MEDIUM))
    list(stream)
    assert made_tokens(chat) == Level.MEDIUM.max_tokens


def test_a_classifier_that_cannot_be_loaded_fails_the_answer_and_keeps_what_came() -> None:
    engine: Future[Engine] = Future()
    engine.set_result(ScriptedEngine.saying("a short answer"))
    classifier: Future[Classifier] = Future()
    classifier.set_exception(EngineFailed("no such file"))
    chat = ChatSession.of(Models(engine, classifier), settings())
    with pytest.raises(EngineFailed, match="no such file"):
        said(chat, "go")
    assert contents(chat) == ["go", "a short answer"]


def test_a_stopped_answer_keeps_what_came_and_says_so() -> None:
    engine = ScriptedEngine.saying(LONG)
    chat = session(engine, complexity="off")
    stream = chat.ask("tell me")
    text = ""
    for event in stream:
        text += event.text if isinstance(event, TextDelta) else ""
        if len(text) > 20:
            break
    stream.close()
    assert chat.conversation.messages == (Message(Role.USER, "tell me"), Message(Role.ASSISTANT, text, stopped=True))
    assert chat.last is not None
    assert chat.last.finished.reason is FinishReason.INTERRUPTED
    assert chat.last.finished.usage.completion_tokens == engine.sampled


def test_a_turn_without_any_text_leaves_no_orphan() -> None:
    chat = session(ScriptedEngine.saying("first", LONG), complexity="off")
    said(chat, "one")
    stream = chat.ask("two")
    next(stream)
    stream.close()
    assert contents(chat) == ["one", "first"]


def test_ctrl_c_in_mid_answer_keeps_what_came() -> None:
    chat = session(ScriptedEngine.saying(LONG), complexity="off")
    stream = chat.ask("tell me")
    next(stream)
    next(stream)
    with pytest.raises(KeyboardInterrupt):
        stream.throw(KeyboardInterrupt())
    assert contents(chat) == ["tell me", "w0"]
    assert chat.conversation.messages[-1].stopped


def test_an_answer_that_breaks_keeps_what_came_and_raises() -> None:
    broken = Reply("one two three", fault=EngineFailed("the card fell out"), fault_after=2)
    chat = session(ScriptedEngine.saying(broken, "fine"), complexity="off")
    with pytest.raises(EngineFailed, match="the card fell out"):
        said(chat, "go")
    assert contents(chat) == ["go", "one two"]
    assert said(chat, "again") == "fine"


def test_a_classifier_that_breaks_fails_the_answer_and_not_silently() -> None:
    class Broken(ScriptedClassifier):
        def classify(self, prompts: Sequence[str]) -> list[Classification]:
            raise EngineFailed("no level")

    chat = session(ScriptedEngine.saying(LONG), Broken())
    with pytest.raises(EngineFailed, match="no level"):
        said(chat, "go")


def test_undo_retry_and_clear() -> None:
    chat = session(ScriptedEngine.saying("a", "b", "c", "d"), system="s", complexity="off")
    said(chat, "one")
    said(chat, "two")
    list(chat.retry())
    assert contents(chat) == ["s", "one", "a", "two", "c"]
    assert chat.undo() == "two"
    assert contents(chat) == ["s", "one", "a"]
    chat.clear()
    assert contents(chat) == ["s"]
    assert chat.undo() is None
    with pytest.raises(BadUsage):
        chat.retry()
    with pytest.raises(BadUsage):
        chat.extend()


def test_going_on_adds_to_the_same_answer() -> None:
    engine = ScriptedEngine.saying("one two three", " four five")
    chat = session(engine, complexity="off", max_tokens=2)
    said(chat, "count")
    assert contents(chat) == ["count", "one two"]
    list(chat.extend())
    assert contents(chat) == ["count", "one two four five"]
    assert [m.content for m in engine.requests[1].conversation.messages] == ["count", "one two"]


def test_a_cut_character_is_not_doubled_when_going_on() -> None:
    chat = session(ScriptedEngine.saying("가나\ufffd", "다라"), complexity="off")
    said(chat, "go")
    list(chat.extend())
    assert contents(chat) == ["go", "가나다라"]


def test_a_turn_that_is_stopped_before_its_level_is_known_is_reported_without_one() -> None:
    classifier = SlowClassifier()
    chat = session(ScriptedEngine.saying(LONG), classifier)
    stream = chat.ask("go")
    next(stream)
    stream.close()
    classifier.release.set()
    assert chat.last is not None
    assert chat.last.complexity is None
    assert chat.last.finished.reason is FinishReason.INTERRUPTED
    assert contents(chat) == []


def test_going_on_that_fails_or_is_stopped_at_once_leaves_the_answer_whole() -> None:
    engine = ScriptedEngine.saying("one two.", Reply("x", fault=EngineFailed("no room")), "more")
    chat = session(engine, complexity="off")
    said(chat, "count")
    before = chat.conversation
    with pytest.raises(EngineFailed):
        list(chat.extend())
    assert chat.conversation == before
    stream = chat.extend()
    next(stream)
    stream.close()
    assert chat.conversation == before


def test_an_answer_begins_while_the_classifier_is_still_loading() -> None:
    loading: Future[Classifier] = Future()
    loaded: Future[Engine] = Future()
    loaded.set_result(ScriptedEngine.saying(LONG))
    chat = ChatSession.of(Models(loaded, loading), settings())
    stream = chat.ask("go")
    seen = [next(stream) for _ in range(50)]
    assert isinstance(seen[-1], TextDelta)
    loading.set_result(ScriptedClassifier(default=Level.MEDIUM))
    list(stream)
    assert made_tokens(chat) == 250
