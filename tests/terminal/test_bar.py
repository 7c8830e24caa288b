"""The line below the prompt: whole items, as many as fit."""

from dataclasses import replace

import pytest
from prompt_toolkit.utils import get_cwidth

from llamacli.chat import ChatSession
from llamacli.engine.base import EngineInfo
from llamacli.engine.scripted import Reply, ScriptedClassifier, ScriptedEngine, scripted_models
from llamacli.events import Finished, FinishReason, Timings, Usage
from llamacli.terminal.bar import Item, chat_items, fitted
from llamacli.terminal.results import Chat
from tests.settings import settings
from tests.shell import unsaved

ITEMS = [
    Item(6, ("meta-llama/라마-3.1", "라마-3.1")),
    Item(3, ("cuda:0",)),
    Item(4, ("high, 500 tokens", "high")),
    Item(5, ("context 1,234 of 8,192", "context 15%", "15%")),
    Item(2, ("31.2 tokens/s", "31/s")),
]


class Named(ScriptedEngine):
    """An engine with a name of its own."""

    name = "meta-llama/라마-3.1"

    @property
    def info(self) -> EngineInfo:
        return replace(super().info, model=self.name, device="cuda:0")


def chat_with(engine: ScriptedEngine) -> Chat:
    chosen = settings()
    models = scripted_models(engine, ScriptedClassifier())
    return Chat(ChatSession.of(models, chosen), chosen, lambda _: models, unsaved())


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (90, "meta-llama/라마-3.1 · cuda:0 · high, 500 tokens · context 1,234 of 8,192 · 31.2 tokens/s"),
        (80, "meta-llama/라마-3.1 · cuda:0 · high, 500 tokens · context 1,234 of 8,192 · 31/s"),
        (40, "라마-3.1 · cuda:0 · high · 15% · 31/s"),
        (30, "라마-3.1 · cuda:0 · high · 15%"),
        (20, "라마-3.1 · 15%"),
        (10, "라마-3.1"),
        (7, "15%"),
        (2, ""),
    ],
)
def test_the_least_important_items_are_left_out_and_none_is_cut(columns: int, line: str) -> None:
    assert fitted(ITEMS, columns) == line


def test_at_every_width_each_item_is_whole() -> None:
    forms = {form for item in ITEMS for form in item.forms}
    for columns in range(120):
        line = fitted(ITEMS, columns)
        assert get_cwidth(line) <= columns
        assert set(line.split(" · ")) - {""} <= forms


def test_a_turn_tells_its_budget_the_context_and_the_speed() -> None:
    chat = chat_with(Named.saying("a b c"))
    assert fitted(chat_items(chat, "", replaces=False), 200) == "meta-llama/라마-3.1 · cuda:0"
    list(chat.session.ask("one two"))
    assert chat.session.last is not None
    told = Finished(FinishReason.STOP, Usage(3, 0, 3), Timings(tokens_per_s=31.24))
    chat.session.last = replace(chat.session.last, finished=told)
    line = fitted(chat_items(chat, "", replaces=False), 200)
    assert (
        line.removeprefix("meta-llama/라마-3.1 · cuda:0 · ") == "low, 100 tokens · context 6 of 4,096 · 31.2 tokens/s"
    )


def test_files_the_loading_and_what_is_replaced_come_before_the_model() -> None:
    chat = chat_with(ScriptedEngine.saying("x"))
    chat.attached += [("a\x1b[2J.txt", "text"), ("보고서.md", "text")]
    items = chat_items(chat, "model: reading weights 25%", replaces=True)
    assert fitted(items, 200) == (
        "auto · model: reading weights 25% · with a␛[2J.txt, 보고서.md · replaces the last turn"
    )
    assert fitted(items, 40) == "auto · loading · with 2 files · replaces"
    assert fitted(items, 20) == "loading · replaces"


def test_the_context_is_told_as_long_as_it_is_known() -> None:
    chat = chat_with(ScriptedEngine.saying("a b", Reply("c d", pause_s=0.0), "e"))
    session = chat.session
    list(session.ask("one"))
    assert session.context_tokens == 4
    stopped = session.ask("two")
    next(stopped)
    stopped.close()  # while the prompt was read: the conversation is as it was
    assert session.context_tokens == 4
    session.undo()
    assert session.context_tokens is None
    list(session.ask("three"))
    assert session.context_tokens is not None
    session.use(scripted_models(ScriptedEngine.saying("x"), None))
    assert session.context_tokens is None
