"""`llamacli history`: saved conversations, listed, shown, found, exported and deleted."""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from llamacli.cli.context import World
from llamacli.cli.help import PlainCommand
from llamacli.cli.options import Debug, Json, with_settings
from llamacli.errors import BadUsage, ExitStatus
from llamacli.history import FILE_NAME, TYPED_NAME, History
from llamacli.settings import Settings
from llamacli.terminal.history_reports import (
    found_json,
    found_lines,
    markdown,
    pieces,
    saved_json,
    summary_json,
    summary_lines,
)

Limit = Annotated[int | None, typer.Option("--limit", "-n", metavar="N", min=1, help="Only the newest N.")]
Id = Annotated[str | None, typer.Argument(metavar="ID", help="The id, or its beginning; without it the last one.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="Ids, or their beginnings.")]
Text = Annotated[list[str], typer.Argument(metavar="TEXT", help="Words that a message has to hold, all of them.")]
All = Annotated[bool, typer.Option("--all", help="All conversations.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Delete all without asking.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON, with the settings of every turn, and not Markdown.")]
Output = Annotated[str | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file.")]

history = typer.Typer(rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})


@history.callback(invoke_without_command=True)
def about(ctx: typer.Context, debug: Debug = False) -> None:
    """List, show, search, export and delete saved conversations."""
    ctx.obj.debug = debug or ctx.obj.debug
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def _command(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return history.command(name, cls=PlainCommand)


@_command("list")
@with_settings(())
def show_list(world: World, settings: Settings, limit: Limit = None, as_json: Json = False) -> ExitStatus:
    """List id, last change, turns and title of each, the newest first."""
    summaries = _history(settings).summaries(limit)
    if as_json:
        world.screen.data({"schema": 1, "conversations": [summary_json(summary) for summary in summaries]})
    else:
        _print(world, summary_lines(summaries), or_else="There is no saved conversation.")
    return ExitStatus.DONE


@_command("show")
@with_settings(("render",))
def show(world: World, settings: Settings, name: Id = None, as_json: Json = False) -> ExitStatus:
    """Show one conversation."""
    saved = _history(settings).read(_named(settings, [] if name is None else [name])[0])
    if as_json:
        world.screen.data({"schema": 1, **saved_json(saved)})
        return ExitStatus.DONE
    if settings.render == "plain" or (settings.render == "auto" and not world.screen.out_can_move):
        _print(world, markdown(saved))
        return ExitStatus.DONE
    for piece in pieces(saved, captions=True):
        renderer = world.screen.answer(settings.render, coming=False)
        renderer.feed(piece)
        renderer.finish()
        world.screen.line("")
    return ExitStatus.DONE


@_command("search")
@with_settings(())
def search(world: World, settings: Settings, words: Text, as_json: Json = False) -> ExitStatus:
    """Find messages and titles that hold every word."""
    text = " ".join(words)
    if not text.strip():
        raise BadUsage("There is nothing to search for.", hint="llamacli history search llama")
    found = _history(settings).search(text)
    if as_json:
        world.screen.data({"schema": 1, "conversations": [found_json(each, text) for each in found]})
    else:
        _print(world, found_lines(found, text), or_else="Nothing was found.")
    return ExitStatus.DONE


@_command("export")
@with_settings(())
def export(
    world: World,
    settings: Settings,
    names: Ids = None,
    everything: All = False,
    as_json: AsJson = False,
    output: Output = None,
) -> ExitStatus:
    """Write conversations as Markdown or JSON."""
    chosen = _history(settings)
    ids = [each.id for each in chosen.summaries()] if everything else _named(settings, names or [])
    saved = [chosen.read(name) for name in ids]
    value = {"schema": 1, "conversations": [saved_json(each) for each in saved]}
    if output not in (None, "-"):
        text = json.dumps(value, ensure_ascii=False, indent=2) + "\n" if as_json else "\n".join(map(markdown, saved))
        _write(world.cwd / Path(output).expanduser(), text)
    elif as_json:
        world.screen.data(value)
    else:
        _print(world, "\n".join(map(markdown, saved)), or_else="There is no saved conversation.")
    return ExitStatus.DONE


@_command("delete")
@with_settings(())
def delete(
    world: World,
    settings: Settings,
    names: Ids = None,
    everything: All = False,
    yes: Yes = False,
    as_json: Json = False,
) -> ExitStatus:
    """Delete conversations for good."""
    if bool(names) is everything:
        raise BadUsage("Say which conversations.", reason="Give ids, or --all.", hint="llamacli history list")
    chosen = _history(settings)
    ids = [each.id for each in chosen.summaries()] if everything else chosen.find(names or [])
    said = f"all conversations ({len(ids):,}) and what was typed in chats" if everything else ", ".join(ids)
    if everything and not yes and not world.confirmed(f"Delete {said}?"):
        world.screen.notice("Nothing was deleted.")
        return ExitStatus.DONE
    gone = chosen.delete(None if everything else ids)
    if everything:
        (settings.data_dir / TYPED_NAME).unlink(missing_ok=True)
    if as_json:
        world.screen.data({"schema": 1, "deleted": [{"id": name} for name in ids], "gone_from_file": gone})
        return ExitStatus.DONE
    world.screen.notice(f"Deleted {said}.")
    if not gone:
        world.screen.notice("Another program reads the history: the text leaves the file when that one ends.")
    return ExitStatus.DONE


def _history(settings: Settings) -> History:
    return History(settings.data_dir / FILE_NAME)


def _named(settings: Settings, names: Sequence[str]) -> list[str]:
    chosen = _history(settings)
    return chosen.find(names) if names else [chosen.latest()]


def _print(world: World, text: str, *, or_else: str = "") -> None:
    """Text on standard output, raw where no terminal reads it; `or_else` on standard error where there is none."""
    if text:
        renderer = world.screen.answer("plain")
        renderer.feed(text)
        renderer.finish()
    else:
        world.screen.notice(or_else)


def _write(path: Path, text: str) -> None:
    def private(name: str, flags: int) -> int:
        return os.open(name, flags, 0o600)

    with open(path, "w", encoding="utf-8", opener=private) as stream:
        stream.write(text)
