"""The application: its routes, and one shape for every error."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from llamacli import __version__
from llamacli.engine import Models
from llamacli.errors import LlamacliError
from llamacli.server.guard import Guard, ranges
from llamacli.server.metrics import Metrics
from llamacli.server.policy import Policy
from llamacli.server.replies import error_json, refusal_json, status_of
from llamacli.server.residence import Residence, Turns
from llamacli.server.routes import House, router
from llamacli.settings import Settings

_NO_JSON = "The body has to be a JSON object, sent with Content-Type: application/json."


def build(open_models: Callable[[], Models], settings: Settings, policy: Policy, idle_s: float | None) -> FastAPI:
    """The application around models that it opens, and closes, itself."""
    ranges(policy.allow)  # refused before anything is loaded
    house = House(settings, Residence(open_models, idle_s), Turns(policy.longest_queue), Metrics(), policy.token)
    app = FastAPI(
        title="llamacli", version=__version__, docs_url=None, redoc_url=None, lifespan=lambda app: _life(app, house),
        strict_content_type=False,  # older clients say nothing of it; web pages are kept out by their origin
    )  # fmt: skip
    app.state.house = house
    app.include_router(router)
    app.add_exception_handler(LlamacliError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    if policy.origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=sorted(policy.origins), allow_methods=["*"], allow_headers=["*"]
        )
    paths = frozenset(route.path for route in router.routes if isinstance(route, Route)) | {"/openapi.json"}
    app.add_middleware(Guard, policy=policy, metrics=house.metrics, paths=paths)
    return app


@contextlib.asynccontextmanager
async def _life(app: FastAPI, house: House) -> AsyncIterator[None]:
    try:
        async with house.residence.models():
            pass
    except Exception as error:
        app.state.failure = error
        raise
    idle = asyncio.create_task(house.residence.leave_when_idle())
    try:
        yield
    finally:
        await house.residence.close()
        await idle


async def _ours(_: Request, error: Exception) -> Response:
    assert isinstance(error, LlamacliError)
    status = status_of(error)
    return JSONResponse(error_json(error, status), status, {"Retry-After": "2"} if status == 503 else None)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part != "body")
    status = 400 if first["type"] == "json_invalid" else 422
    said = _NO_JSON if first["type"] == "model_attributes_type" else first["msg"].removeprefix("Value error, ")
    words = f"{where}: {said}" if where and status == 422 else said
    return JSONResponse(refusal_json(words, status, first["type"], where or None), status)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse(refusal_json(str(error.detail), error.status_code), error.status_code, error.headers)
