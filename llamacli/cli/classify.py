"""`llamacli classify`: the complexity of prompts."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import chain
from typing import Annotated

import typer

from llamacli.cli.context import World
from llamacli.cli.options import Files, Json, Words, with_settings
from llamacli.cli.prompt_input import PromptInput, has_bytes, line_batches, nothing_to_ask
from llamacli.complexity import Classification, Level, from_scores
from llamacli.engine import Wanted
from llamacli.engine.base import Classifier
from llamacli.errors import BadUsage, ExitStatus
from llamacli.settings import Settings
from llamacli.terminal.loading import LoadingDisplay
from llamacli.terminal.reports import classification_json, classification_text

Lines = Annotated[
    bool,
    typer.Option("--lines", help="Each line of standard input is a prompt; print one line for each, blank ones too."),
]
Scores = Annotated[bool, typer.Option("--scores", help="Show the probability of each level.")]

_BLANK = from_scores({Level.LOW: 1.0, Level.MEDIUM: 0.0, Level.HIGH: 0.0})
"""A blank line asks for nothing."""


@with_settings(("classifier_device", "server", "stats"))
def classify(
    world: World,
    settings: Settings,
    words: Words = None,
    files: Files = None,
    lines: Lines = False,
    scores: Scores = False,
    as_json: Json = False,
) -> ExitStatus:
    """Rate the complexity of a prompt, without an answer."""
    if settings.classifier_device == "none":
        raise BadUsage("There is no classifier to ask.", hint="llamacli classify --classifier-device auto ...")
    display = LoadingDisplay(world.screen)
    batches = _lines(world, words, files) if lines else _single(PromptInput(words or [], files or [], world), display)
    with closing(world.open_models(settings, Wanted(engine=False), display.report)) as models:
        first = next(batches, None)  # perhaps typed at the terminal, where the display would be in the way
        if first is None:
            raise nothing_to_ask()
        with display:
            classifier = models.classifier
        assert classifier is not None
        for batch in chain([first], batches):
            for prompt, rated in zip(batch, _rate(classifier, batch), strict=True):
                if as_json:
                    world.screen.data(classification_json(prompt, rated))
                else:
                    world.screen.line(classification_text(rated, scores=scores, lines=lines))
    return ExitStatus.DONE


def _single(given: PromptInput, display: LoadingDisplay) -> Iterator[list[str]]:
    """One batch of one prompt; what can be refused is refused at once, a silent pipe is awaited by `next`."""
    prompt = given.at_once()
    return iter([[prompt]]) if prompt is not None else _awaited(given, display)


def _awaited(given: PromptInput, display: LoadingDisplay) -> Iterator[list[str]]:
    yield [given.awaited(lambda: True, display.report)]


def _lines(world: World, words: Words, files: Files) -> Iterator[list[str]]:
    """The lines of standard input; the first ones are refused at once, if they are there and have to be."""
    if words or files:
        raise BadUsage(
            "--lines reads its prompts from standard input, not from words or files.",
            hint="cat prompts.txt | llamacli classify --lines",
        )
    if world.stdin is None:
        raise nothing_to_ask()
    batches = line_batches(world.stdin.fileno())
    if world.stdin.isatty() or not has_bytes(world.stdin.fileno()):
        return batches
    first = next(batches, None)
    if first is None:
        raise nothing_to_ask()
    return chain([first], batches)


def _rate(classifier: Classifier, prompts: Sequence[str]) -> Iterator[Classification]:
    asked = [prompt for prompt in prompts if prompt.strip()]
    rated = iter(classifier.classify(asked) if asked else [])
    return (next(rated) if prompt.strip() else _BLANK for prompt in prompts)
