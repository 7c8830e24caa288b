"""How an answer goes out: as server-sent events or in one piece, unless its client goes away."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from llamacli.errors import EngineFailed, LlamacliError
from llamacli.events import Event, Finished, TextDelta
from llamacli.server.guard import Gone, log_failure
from llamacli.server.replies import DONE, error_json, sse, stopping_json

T = TypeVar("T")


class Stream(Response):
    """Server-sent events. The response begins with the first event, so that what fails before it has a status."""

    media_type = "text/event-stream"

    def __init__(self, pieces: AsyncGenerator[bytes, None]) -> None:
        super().__init__()
        self._pieces = pieces
        del self.headers["content-length"]
        self.headers["cache-control"] = "no-store"
        self.headers["x-accel-buffering"] = "no"
        self._first: bytes | None = None

    async def begin(self, receive: Receive) -> "Stream":
        """Wait for the first event; raises what there was instead."""
        self._first = await unless_gone(receive, anext(self._pieces))
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI has it
        """Send them all, unless the client goes away before; the last says so where the server ends before."""
        async with aclosing(self._pieces):
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            try:
                await unless_gone(receive, self._send(send))
            except asyncio.CancelledError:
                await send({"type": "http.response.body", "body": sse(stopping_json()), "more_body": False})
                raise

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.body", "body": self._first or b"", "more_body": True})
        async for piece in self._pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def unless_gone(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`; where the client goes away before, it is cancelled, and Gone is raised."""

    async def leaves() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(leaves())
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Gone
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def streamed(events: AsyncGenerator[Event, None], show: Callable[[Event], Any]) -> AsyncGenerator[bytes, None]:
    """The events as they go out, and `[DONE]`; an error after the first of them is the last."""
    begun = False
    try:
        async with aclosing(events):
            async for event in events:
                for shown in show(event):
                    yield sse(shown)
                    begun = True
        yield sse(DONE)
    except Exception as error:
        if not begun:
            raise
        yield sse(error_json(_named(error)))


def _named(error: Exception) -> LlamacliError:
    if isinstance(error, LlamacliError):
        return error
    log_failure(error)
    return EngineFailed("The server failed.", hint="Its log says where.")


async def text_of(events: AsyncGenerator[Event, None]) -> tuple[str, Finished]:
    """The whole answer."""
    text = ""
    async with aclosing(events):
        async for event in events:
            if isinstance(event, TextDelta):
                text += event.text
            elif isinstance(event, Finished):
                return text, event
    raise EngineFailed("The answer ended before its end.", hint="Ask again.")
