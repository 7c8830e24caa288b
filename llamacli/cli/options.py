"""The options that commands share, made from the table of settings."""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from llamacli.cli.context import World
from llamacli.cli.sources import settings_of
from llamacli.errors import ExitStatus
from llamacli.settings import TABLE, Setting, Settings

P = ParamSpec("P")

PANELS: dict[str, tuple[str, ...]] = {
    "Answer": ("system", "complexity", "max_tokens", "stop", "render", "stats"),
    "Conversation": ("save",),
    "Sampling": ("temperature", "top_k", "top_p", "repetition_penalty", "seed"),
    "Model and machine": ("model", "device", "classifier_device", "quantization", "compile", "offline"),
    "Server": ("endpoint", "server"),
}
"""The settings that are options, under the headings of the help."""

ANSWERING = tuple(name for names in PANELS.values() for name in names)
"""The settings of a command that lets a model answer."""

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="PROMPT", help="Words of the prompt, joined with spaces; - is standard input."),
]
Files = Annotated[
    list[str] | None,
    typer.Option(
        "--file", "-f", metavar="PATH", help="Text file that goes before the words (repeatable); - is standard input."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")]


Debug = Annotated[bool, typer.Option("--debug", help="Add the traceback to an error.")]


def with_settings(
    names: Iterable[str],
) -> Callable[[Callable[Concatenate[World, Settings, P], ExitStatus]], Callable[..., ExitStatus]]:
    """Make a command of a function that takes the world, the settings and its own arguments.

    The command has an option for each of the named settings. None of them has a default here: an option that is not
    given leaves the choice to the environment, the `.env` files and the table.
    """
    shared = {name: _parameter(name, _annotation(TABLE[name])) for name in names}

    def decorate(function: Callable[Concatenate[World, Settings, P], ExitStatus]) -> Callable[..., ExitStatus]:
        _, _, *own = inspect.signature(function, eval_str=True).parameters.values()

        @functools.wraps(function)
        def command(ctx: typer.Context, **given: Any) -> ExitStatus:
            world: World = ctx.obj
            world.debug = given.pop("debug") or world.debug
            options = {name: given.pop(name) for name in shared}
            settings = settings_of(options, world)
            if settings.render == "plain":
                world.screen.keep_still()
            return function(world, settings, **given)  # type: ignore[call-arg]

        context = _parameter("ctx", typer.Context, inspect.Parameter.empty)
        parameters = [context, *own, *shared.values(), _parameter("debug", Debug, False)]
        keyword_only = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
        command.__signature__ = inspect.Signature(keyword_only)  # type: ignore[attr-defined]
        return command

    return decorate


def _parameter(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


_TYPES: dict[str, Any] = {"text": str, "texts": list[str], "integer": int, "number": float, "flag": bool, "url": str}
_METAVARS = {"text": "TEXT", "texts": "TEXT", "integer": "N", "number": "X", "url": "URL"}
_SHORT = {"model": "-m", "system": "-s", "max_tokens": "-n"}


def _annotation(setting: Setting) -> Any:
    panel = next(panel for panel, names in PANELS.items() if setting.name in names)
    flag = f"{setting.option}/--no-{setting.option.removeprefix('--')}"
    names = [flag if setting.kind == "flag" else setting.option, *filter(None, [_SHORT.get(setting.name)])]
    option = typer.Option(
        *names,
        metavar=None if setting.kind == "flag" else _METAVARS[setting.kind],
        help=_help(setting),
        show_default=False,
        rich_help_panel=panel,
        autocompletion=(lambda: list(setting.choices)) if setting.choices else None,
    )
    return Annotated[_TYPES[setting.kind] | None, option]


def _help(setting: Setting) -> str:
    limits = [setting.range] if setting.choices or setting.pattern or setting.minimum is not None else []
    default = [] if setting.default in (None, (), False) else [f"default: {str(setting.default).lower()}"]
    extra = "; ".join(limits + default)
    return f"{setting.help} [{extra}]" if extra else setting.help
