"""`llamacli serve`: the models stay loaded, for llamacli itself and for any OpenAI client."""

import os
import re
import secrets
import signal
import time
from ipaddress import ip_address
from typing import Annotated

import typer

from llamacli import runfile
from llamacli.cli.context import World
from llamacli.cli.hosting import Hosting
from llamacli.cli.options import PANELS, with_settings
from llamacli.errors import BadUsage, EngineFailed, ExitStatus
from llamacli.server.policy import Policy
from llamacli.settings import Settings

PORT = 8642
_STOPPING_S = 15.0
_SHOWN = (*PANELS["Answer"][:3], *PANELS["Sampling"], *PANELS["Model and machine"])

Host = Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Address to listen at; others need a token.")]
Port = Annotated[int, typer.Option("--port", metavar="N", min=0, max=65535, help="Port; 0 is any free one.")]
Allow = Annotated[
    list[str] | None,
    typer.Option("--allow", metavar="RANGE", help="Addresses that may ask, as 10.0.0.0/8 (repeatable)."),
]
Cors = Annotated[
    list[str] | None, typer.Option("--cors", metavar="ORIGIN", help="Web pages that may ask (repeatable).")
]
Idle = Annotated[str | None, typer.Option("--idle", metavar="TIME", help="Unload the models after so long: 90s, 10m.")]
Queue = Annotated[int, typer.Option("--queue", metavar="N", min=0, help="Requests that may wait; more get a 503.")]
Status = Annotated[bool, typer.Option("--status", help="Say whether a server of yours is running, and stop there.")]
Stop = Annotated[bool, typer.Option("--stop", help="Stop the server of yours that is running.")]


@with_settings(_SHOWN)
def serve(
    world: World,
    settings: Settings,
    host: Host = "127.0.0.1",
    port: Port = PORT,
    allow: Allow = None,
    cors: Cors = None,
    idle: Idle = None,
    queue: Queue = 64,
    status: Status = False,
    stop: Stop = False,
) -> ExitStatus:
    """Keep the models loaded, and answer over HTTP.

    It answers this user's llamacli, OpenAI's chat completions, and POST /Llama.
    The token that other machines need is LLAMACLI_API_KEY.
    """
    running = runfile.find(settings.data_dir)
    if status or stop:
        return _stop(world, settings, running) if stop else _status(world, running)
    if running is not None:
        raise EngineFailed(f"A server is running already: {running.url}", hint="llamacli serve --stop")
    policy = _policy(settings, host, allow, cors, queue)
    return Hosting(world, settings, policy, host).run(port, _seconds(idle))


def _policy(settings: Settings, host: str, allow: list[str] | None, cors: list[str] | None, queue: int) -> Policy:
    here = _is_here(host)
    if not here and not settings.api_key:
        raise BadUsage(
            f"{host} can be reached from other machines, which have to show a token.",
            hint="Set one: export LLAMACLI_API_KEY=...",
        )
    return Policy(
        token=secrets.token_urlsafe(32),
        keys=frozenset({settings.api_key} if settings.api_key else ()),
        open_here=not settings.api_key,
        allow=tuple(allow or ()),
        origins=frozenset(cors or ()),
        hosts=frozenset({"localhost", "127.0.0.1", "[::1]", host} if here else ()),
        longest_queue=queue,
    )


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d+)(s|m|h|)", text)
    if match is None or int(match[1]) == 0:
        raise BadUsage(f"{text!r} is no length of time.", hint="llamacli serve --idle 10m")
    return int(match[1]) * {"s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}[match[2]]


def _status(world: World, running: runfile.Running | None) -> ExitStatus:
    if running is None:
        world.screen.line("No server of yours is running.")
        return ExitStatus.FAILED
    world.screen.line(f"{running.model} at {running.url}, process {running.pid}")
    return ExitStatus.DONE


def _stop(world: World, settings: Settings, running: runfile.Running | None) -> ExitStatus:
    if running is None:
        return _status(world, None)
    os.kill(running.pid, signal.SIGTERM)
    until = time.monotonic() + _STOPPING_S
    while time.monotonic() < until:
        if not runfile.run_file(settings.data_dir).exists():
            world.screen.line(f"Stopped {running.model} at {running.url}.")
            return ExitStatus.DONE
        time.sleep(0.05)
    raise EngineFailed(f"The server, process {running.pid}, does not end.", hint=f"kill -9 {running.pid}")
