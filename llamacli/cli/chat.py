"""`llamacli chat`: a conversation."""

from typing import TYPE_CHECKING

from llamacli.cli.context import World
from llamacli.cli.conversations import ConversationId, GoOn, choose
from llamacli.cli.options import ANSWERING, with_settings
from llamacli.engine import Models, Report, Wanted
from llamacli.errors import BadUsage, ExitStatus
from llamacli.settings import Settings
from llamacli.terminal.history_reports import going_on

if TYPE_CHECKING:
    from llamacli.terminal.source import PromptSource


@with_settings(ANSWERING)
def chat(world: World, settings: Settings, go_on: GoOn = False, conversation: ConversationId = None) -> ExitStatus:
    """Talk with a model, with commands and a live answer.

    Each line of a standard input that is no terminal is a prompt.
    """
    from llamacli.terminal.repl import Repl  # prompt_toolkit and Rich, which --help does not wait for

    begun = choose(settings, go_on, conversation)

    def open_models(chosen: Settings, report: Report) -> Models:
        # Loaded for any level but `off`, because /complexity auto may want it later.
        rated = chosen.complexity != "off" and chosen.classifier_device != "none"
        return world.open_models(chosen, Wanted(classifier=rated), report)

    source = _source(world, settings)
    if begun.saved is not None:
        world.screen.notice(going_on(begun.saved))
    repl = Repl(settings, open_models, world.screen, source, world.environ, begun.recording, begun.conversation)
    return repl.run()


def _source(world: World, settings: Settings) -> "PromptSource":
    from llamacli.terminal.source import LineSource

    if world.stdin is None:
        raise BadUsage("Standard input is closed.", hint="Run llamacli chat at a terminal, or give it lines to answer.")
    typed = world.stdin.isatty()
    screen = world.screen
    if not (typed and (screen.out_can_move or screen.err_can_move)):
        return LineSource(world.stdin, prompt=world.stderr if typed else None)
    from llamacli.terminal.prompt import TerminalPrompt

    output = world.stdout if screen.out_can_move else world.stderr
    return TerminalPrompt.at(world.stdin, output, settings)
