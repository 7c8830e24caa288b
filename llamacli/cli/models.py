"""`llamacli models`: what is on disk, fetched and deleted."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

import typer

from llamacli.background import in_background
from llamacli.cli.context import World
from llamacli.cli.help import PlainCommand
from llamacli.cli.options import Debug, Json, with_settings
from llamacli.errors import ExitStatus
from llamacli.events import LoadProgress
from llamacli.models import StoredModel, list_models, models_to_remove, pull_model, remove_models
from llamacli.settings import Settings
from llamacli.terminal.loading import LoadingDisplay

Name = Annotated[str, typer.Argument(metavar="NAME", help="Preset or hub id.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="A name that the list shows; a model goes with its copies.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")]

models = typer.Typer(rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})


@models.callback(invoke_without_command=True)
def about(ctx: typer.Context, debug: Debug = False) -> None:
    """List the models on disk, download them, delete them."""
    ctx.obj.debug = debug or ctx.obj.debug
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def _command(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return models.command(name, cls=PlainCommand)


@_command("list")
@with_settings(())
def show(world: World, settings: Settings, as_json: Json = False) -> ExitStatus:
    """Show the presets, what is on disk, and how large it is."""
    found = list_models(settings)
    if as_json:
        world.screen.data({"schema": 1, "models": [_entry(model) for model in found]})
        return ExitStatus.DONE
    rows = [(model.id, size_text(model.bytes) if model.path else "-", _remark(model)) for model in found]
    names, sizes = (max(len(row[column]) for row in rows) for column in (0, 1))
    for name, size, remark in rows:
        world.screen.line(f"{name:<{names}}  {size:>{sizes}}  {remark}")
    return ExitStatus.DONE


@_command("pull")
@with_settings(("offline",))
def pull(world: World, settings: Settings, name: Name) -> ExitStatus:
    """Download a model, or what is new of it; print its directory."""
    with LoadingDisplay(world.screen) as display:
        display.report(LoadProgress("model", f"looking for {name}"))
        # In a thread, because a download cannot be interrupted, but waiting for it can.
        directory = in_background(lambda: pull_model(name, settings, display.report), "pull").result()
    world.screen.line(str(directory))
    return ExitStatus.DONE


@_command("remove")
@with_settings(())
def remove(world: World, settings: Settings, name: Id, yes: Yes = False) -> ExitStatus:
    """Delete a model from the disk."""
    found = models_to_remove(name, settings)
    said = ", ".join(f"{model.id} ({size_text(model.bytes)})" for model in found)
    if not yes and not world.confirmed(f"Delete {said}?"):
        world.screen.notice("Nothing was deleted.")
        return ExitStatus.DONE
    remove_models(found)
    world.screen.notice(f"Deleted {said}.")
    return ExitStatus.DONE


def size_text(count: int) -> str:
    """A number of bytes for people."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def _entry(model: StoredModel) -> dict[str, Any]:
    return asdict(model) | {"path": str(model.path) if model.path else None}


def _remark(model: StoredModel) -> str:
    if model.kind == "builtin":
        return "built in"
    if model.kind == "copy":
        return f"{model.quantization} copy of {model.of}"
    if model.path is None:
        return f"not on disk: llamacli models pull {model.id}"
    named = "" if model.id == model.of else f"{model.of}, "
    return named + ("in the hub's cache" if model.complete else "in the hub's cache, not complete")
