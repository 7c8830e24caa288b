"""Chats over scripted models, for tests."""

import io
from collections.abc import Mapping
from typing import Any

from llamacli.complexity import Level
from llamacli.engine import Models, Report
from llamacli.engine.scripted import Reply, ScriptedClassifier, ScriptedEngine, scripted_models
from llamacli.errors import ExitStatus
from llamacli.history import Recording
from llamacli.settings import Settings
from llamacli.terminal.repl import Repl
from llamacli.terminal.screen import Screen
from llamacli.terminal.source import LineSource, PromptSource
from tests.settings import settings
from tests.shell import Output, unsaved


class Talk:
    """A chat with scripted models: what was asked and what was written."""

    def __init__(
        self,
        engine: ScriptedEngine,
        source: PromptSource,
        out: Output | None = None,
        level: Level = Level.LOW,
        recording: Recording | None = None,
        environ: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        self.engine, self.out, self.err = engine, out or Output(), Output()
        self.opened: list[Settings] = []
        self.report: Report = lambda event: None
        self._classifier = ScriptedClassifier(default=level)
        screen, recording = Screen(self.out, self.err, {}), recording or unsaved()
        self.repl = Repl(settings(**options), self._open, screen, source, environ or {}, recording)

    def _open(self, chosen: Settings, report: Report) -> Models:
        self.opened.append(chosen)
        self.report = report
        return scripted_models(self.engine, self._classifier)

    @property
    def prompts(self) -> list[str]:
        """The last message of each request."""
        return [request.conversation.messages[-1].content for request in self.engine.requests]


def typed(lines: str) -> LineSource:
    """The lines as a person types them."""
    return LineSource(io.StringIO(lines), prompt=io.StringIO())


def talk(lines: str, *replies: str | Reply, person: bool = True, **options: Any) -> Talk:
    """A chat over these lines, which a person types or a script, that came to its end."""
    source = typed(lines) if person else LineSource(io.StringIO(lines))
    chat = Talk(ScriptedEngine.saying(*(replies or ("An answer.",))), source, **options)
    assert chat.repl.run() is ExitStatus.DONE or not person  # a script learns of its errors
    return chat
