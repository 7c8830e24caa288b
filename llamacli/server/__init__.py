"""Keeps the models loaded and answers over HTTP: any OpenAI client, `POST /Llama`, and llamacli itself.

FastAPI and uvicorn are imported when the server starts, since they are an extra.
"""

import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from llamacli.engine import Models
from llamacli.errors import BadUsage, EngineFailed
from llamacli.server.policy import Policy, log
from llamacli.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["Policy", "create_app", "listen", "log", "run"]


def create_app(
    open_models: Callable[[], Models], settings: Settings, policy: Policy, *, idle_s: float | None = None
) -> "FastAPI":
    """The application, which loads the models when it starts. Raises BadUsage where the extra is not installed."""
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise BadUsage(
            "llamacli serve needs FastAPI and uvicorn.",
            reason=str(error),
            hint='pip install "llamacli[serve]"',
        ) from error
    from llamacli.server.app import build

    return build(open_models, settings, policy, idle_s)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; EngineFailed where the address cannot be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        raise EngineFailed(
            f"{host} port {port} cannot be listened at.",
            reason=str(error),
            hint="llamacli serve --status shows a running server; --port 0 takes any free port.",
        ) from error
    bound.listen(128)
    return bound


def run(app: "FastAPI", bound: socket.socket, ready: Callable[[], None], *, grace_s: int = 5) -> None:
    """Serve until SIGTERM or SIGINT; what is being answered then has `grace_s` to end, and is cancelled after.

    Raises what loading the models raised.
    """
    import asyncio

    import uvicorn

    config = uvicorn.Config(
        app, log_config=None, access_log=False, proxy_headers=False, server_header=False, lifespan="on",
        timeout_graceful_shutdown=grace_s, loop="asyncio", http="h11", ws="none",
    )  # fmt: skip
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # it would log what an exception says

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                ready()

    server = app.state.server = Server(config)
    try:
        asyncio.run(_serve(server, bound))
    finally:  # uvicorn ends the process where the models cannot be loaded
        failure: BaseException | None = getattr(app.state, "failure", None)
        if failure is not None:
            raise failure


async def _serve(server: Any, bound: socket.socket) -> None:
    await server.serve(sockets=[bound])
