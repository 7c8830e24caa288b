"""The one table of what a server, or the way to it, can do wrong, and what it is called here."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from llamacli import errors
from llamacli.errors import BadToken, BadUsage, EngineFailed, LlamacliError, PromptTooLong, UnknownModel

_OPENAI = {PromptTooLong: "context_length_exceeded", UnknownModel: "model_not_found", BadToken: "invalid_api_key"}


def code_of(kind: type[LlamacliError]) -> str:
    """The `code` of an error in JSON: OpenAI's, or the name of its class."""
    return _OPENAI.get(kind) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()


_BY_CODE: Mapping[str, type[LlamacliError]] = {
    code_of(kind): kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, LlamacliError) and kind is not errors.Interrupted
}


@dataclass(frozen=True, slots=True)
class Said:
    """What a server said of an error; `code` and `hint` where it is our own."""

    message: str
    code: str = ""
    reason: str = ""
    hint: str = ""


def said(body: Any) -> Said:
    """The words of an error in any of the shapes that servers give it."""
    if isinstance(body, Mapping):
        inner = next((body[key] for key in ("error", "detail", "message") if body.get(key)), "")
        if isinstance(inner, Mapping):
            texts = {key: str(inner.get(key) or "") for key in ("code", "reason", "hint")}
            return Said(_short(inner.get("message") or inner.get("detail") or inner), **texts)
        return Said(_short(inner))
    return Said(_short(body))


def _short(words: Any) -> str:
    return " ".join(str(words).split())[:500]


_CONTEXT = re.compile(r"context (length|window|size)|maximum.{0,20}tokens|too long", re.IGNORECASE)


def refusal(status: int, body: Any, url: str, model: str = "") -> LlamacliError:
    """Our name for a status above 399, or for an error amid a stream (then status 200)."""
    words = said(body)
    if words.code in _BY_CODE and words.code != "llamacli_error":
        return _BY_CODE[words.code](words.message, reason=words.reason, hint=words.hint)
    if status in (400, 413, 422) and _CONTEXT.search(words.message):
        return PromptTooLong(_too_long(body), reason=words.message, hint="Shorten it.")
    kind, message, hint = _STATUS.get(status, _OTHER)
    message = message.format(url=url, status=status, model=model)
    return kind(message, reason=words.message, hint=hint)


def _too_long(body: Any) -> str:
    """With both numbers, where the server gives them apart from its words (llama.cpp)."""
    error = body.get("error") if isinstance(body, Mapping) else None
    numbers = [error.get(name) for name in ("n_prompt_tokens", "n_ctx")] if isinstance(error, Mapping) else []
    if all(isinstance(number, int) for number in numbers) and numbers:
        return "The prompt is too long: {:,} tokens given, {:,} fit.".format(*numbers)
    return "The prompt is too long for the server."


_Row = tuple[type[LlamacliError], str, str]
_KEY = "Set the key that it asks for: export LLAMACLI_API_KEY=..."
_STATUS: Mapping[int, _Row] = {
    200: (EngineFailed, "The server failed amid its answer.", "Ask again, or look at the server's log."),
    400: (BadUsage, "The server refuses the request.", "Look at the reason, and at llamacli config."),
    401: (BadToken, "The server at {url} does not accept the API key.", _KEY),
    403: (BadToken, "The server at {url} forbids this.", _KEY),
    404: (UnknownModel, "The server at {url} has no model {model!r}, or no such address.",
          "Check --endpoint and -m; -m auto takes the first model that it lists."),
    413: (PromptTooLong, "The request is too large for the server.", "Shorten the prompt or the files."),
    422: (BadUsage, "The server refuses the request.", "Look at the reason, and at llamacli config."),
    429: (EngineFailed, "The server at {url} is busy.", "Ask again later."),
    503: (EngineFailed, "The server at {url} is busy.", "Ask again later."),
}  # fmt: skip
_OTHER: _Row = (EngineFailed, "The server at {url} failed (status {status}).", "Ask again, or look at its log.")
BUSY = frozenset({429, 502, 503, 504})
"""Statuses after which the same request may succeed."""


def broken_off(url: str, why: str = "It closed the connection.") -> EngineFailed:
    """A connection that ended before the answer did."""
    return EngineFailed(f"The server at {url} broke off amid its answer.", reason=why, hint="Ask again.")


def silent(url: str, seconds: float) -> EngineFailed:
    """A server that says nothing."""
    return EngineFailed(
        f"The server at {url} said nothing for {seconds:g} s.", hint="Ask again, or look at the server's log."
    )


def unreachable(url: str, error: Exception) -> EngineFailed:
    """A server that is not there."""
    return EngineFailed(
        f"The server at {url} cannot be reached.",
        reason=_short(error) or type(error).__name__,
        hint="Start it, or check --endpoint; without one, the model runs here.",
    )


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Let only errors of `llamacli.errors` out."""
    try:
        yield
    except httpx2.TimeoutException as error:
        connecting = isinstance(error, httpx2.ConnectTimeout | httpx2.PoolTimeout)
        raise unreachable(url, error) if connecting else silent(url, _read_timeout(error)) from error
    except httpx2.ConnectError as error:
        raise unreachable(url, error) from error
    except httpx2.UnsupportedProtocol as error:
        raise BadUsage(f"{url} is no address of a server.", hint="--endpoint http://HOST:PORT/v1") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
        raise broken_off(url, _short(error) or type(error).__name__) from error


def _read_timeout(error: httpx2.TimeoutException) -> float:
    timeouts: Mapping[str, float] = error.request.extensions.get("timeout", {})
    return timeouts.get("read") or 0.0
