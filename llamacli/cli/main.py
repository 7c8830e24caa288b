"""The program: its commands, and the one place where every failure ends."""

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from importlib import import_module
from types import FrameType
from typing import Annotated, NoReturn, cast

import typer

from llamacli import __version__
from llamacli.cli.context import World
from llamacli.cli.help import ORDER, OrderedGroup, PlainCommand
from llamacli.cli.options import Debug
from llamacli.errors import BadUsage, EngineFailed, ExitStatus, LlamacliError
from llamacli.terminal.sanitize import sanitize

BROKEN_PIPE = 128 + 13
"""The status of a program that SIGPIPE ended, as of most programs whose reader goes away."""

# Click's UsageError, wherever Typer keeps it.
_UsageError = cast(type[typer.BadParameter], typer.BadParameter.__base__)


def llamacli(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
    debug: Debug = False,
) -> None:
    """Ask, chat and classify on your own machine: a GPU or two, or none."""
    world: World = ctx.obj
    world.debug = debug
    if version:
        typer.echo(f"llamacli {__version__}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def program(names: Sequence[str] = ORDER) -> typer.Typer:
    """The program with these commands: each is imported here, for the others would double the time that one needs."""
    app = typer.Typer(
        cls=OrderedGroup,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(llamacli)
    for name in names:
        command = getattr(import_module(f"llamacli.cli.{name}"), name)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(cls=PlainCommand)(command)
    return app


def main(argv: Sequence[str] | None = None, world: World | None = None) -> int:
    """Run the program in this process and return its exit status."""
    world = world or World.of_process()
    with redirect_stdout(world.stdout), redirect_stderr(world.stderr):
        try:
            status = _guarded(sys.argv[1:] if argv is None else list(argv), world)
            world.stdout.flush()
        except BrokenPipeError:
            return BROKEN_PIPE
        except KeyboardInterrupt:
            return ExitStatus.INTERRUPTED
        return status


def entry_point(world: World | None = None) -> NoReturn:
    """Run the program and end the process at once: threads that still load a model are not waited for."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores SIGHUP
            signal.signal(number, _end)
    status = main(world=world)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed before, or its reader went away
            stream.flush()
    os._exit(status)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _guarded(argv: list[str], world: World) -> int:
    try:
        return _program(argv, world)
    except typer.Exit as end:
        return end.exit_code
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitStatus.DONE
    except KeyboardInterrupt:
        if world.screen.err_is_terminal:
            world.stderr.write("\n")  # after the ^C that the terminal shows
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001  # the boundary
        return _fail(error, world)


def _program(argv: list[str], world: World) -> int:
    asked = next((word for word in argv if word != "--debug"), "")
    command = typer.main.get_command(program([asked] if asked in ORDER else ORDER))
    if "_LLAMACLI_COMPLETE" in world.environ:
        command.main(args=argv, prog_name="llamacli")
    # Not command.main(), which would turn Ctrl-C and closed pipes into its own statuses.
    with command.make_context("llamacli", argv, obj=world) as ctx:
        return command.invoke(ctx) or ExitStatus.DONE


def _fail(error: Exception, world: World) -> int:
    if world.debug:
        world.stderr.write(sanitize("".join(traceback.format_exception(error))))
    failure = _translated(error)
    world.screen.error(failure)
    return failure.status


def _translated(error: Exception) -> LlamacliError:
    if isinstance(error, LlamacliError):
        return error
    if isinstance(error, _UsageError):
        path = error.ctx.command_path if error.ctx else "llamacli"
        dash = " Words that begin with a dash go after --." if "No such option" in error.format_message() else ""
        return BadUsage(error.format_message(), reason=dash.strip(), hint=f"See {path} --help.")
    if isinstance(error, OSError) and error.strerror:
        where = error.filename or "Writing or reading"
        return EngineFailed(f"{where}: {error.strerror}.", hint="Check its space and its permissions.")
    return EngineFailed(
        f"Unexpected {type(error).__name__}: {error}",
        reason="This is a bug in llamacli.",
        hint="Run the same command with --debug and report what it shows.",
    )
