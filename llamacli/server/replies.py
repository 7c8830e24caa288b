"""Answers as JSON, whole or in chunks."""

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

from llamacli.engine.base import EngineInfo
from llamacli.engine.remote.failures import code_of
from llamacli.errors import BadToken, BadUsage, LlamacliError, ModelUnavailable, UnknownModel
from llamacli.events import Event, Finished, Reading, TextDelta, Usage
from llamacli.server.residence import Busy, Stopping
from llamacli.server.shapes import StreamOptions

DONE = "[DONE]"


class Chunks:
    """The chunks of one streamed answer."""

    def __init__(self, model: str, options: StreamOptions | None) -> None:
        self._head = _head(model, "chat.completion.chunk")
        self._options = options or StreamOptions()
        self._prompt = Usage()

    def of(self, event: Event) -> Iterator[dict[str, Any]]:
        """The chunks that tell of an event."""
        if isinstance(event, Reading):
            self._prompt = Usage(event.prompt_tokens, event.cached_tokens)
            yield self._chunk({"role": "assistant", "content": ""}, None, 0)
        elif isinstance(event, TextDelta):
            yield self._chunk({"content": event.text}, None, event.tokens)
        else:
            yield self._chunk({}, event.reason.value, event.usage.completion_tokens)
            if self._options.include_usage:
                yield {**self._head, "choices": [], "usage": usage_json(event.usage)}

    def _chunk(self, delta: dict[str, str], reason: str | None, tokens: int) -> dict[str, Any]:
        chunk: dict[str, Any] = {
            **self._head,
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}],
        }
        if self._options.continuous_usage_stats:
            chunk["usage"] = usage_json(Usage(self._prompt.prompt_tokens, self._prompt.cached_tokens, tokens))
        elif self._options.include_usage:
            chunk["usage"] = None
        return chunk


def whole(model: str, text: str, finished: Finished) -> dict[str, Any]:
    """The answer in one piece."""
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finished.reason.value}
    return {**_head(model, "chat.completion"), "choices": [choice], "usage": usage_json(finished.usage)}


def usage_json(usage: Usage) -> dict[str, Any]:
    """The tokens of an answer."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }


def model_json(info: EngineInfo, since: int) -> dict[str, Any]:
    """The served model, as in the list of models."""
    return {
        "id": info.model,
        "object": "model",
        "created": since,
        "owned_by": "llamacli",
        "max_model_len": info.context_window,
        "device": info.device,
        "dtype": info.dtype,
        "quantization": info.quantization,
        "decoding": info.decoding,
    }


def sse(value: Any) -> bytes:
    """One event of a stream."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"data: {text}\n\n".encode()


def stopping_json() -> dict[str, Any]:
    """What who waits is told when the server ends."""
    return error_json(Stopping("The server was stopped.", hint="Start it again: llamacli serve"))


def status_of(error: LlamacliError) -> int:
    """The status of a response that tells of an error."""
    if isinstance(error, Busy | Stopping):
        return 503
    if isinstance(error, BadUsage):
        return 400
    if isinstance(error, UnknownModel):
        return 404
    return 503 if isinstance(error, ModelUnavailable | BadToken) else 500


def error_json(error: LlamacliError, status: int | None = None) -> dict[str, Any]:
    """An error of ours in OpenAI's shape, with our reason and hint beside."""
    code = code_of(type(error))
    more = {"reason": error.reason, "hint": error.hint}
    return {"error": {**refusal_json(error.message, status or status_of(error), code)["error"], **more}}


def refusal_json(message: str, status: int, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    """An error in OpenAI's shape."""
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 503: "service_unavailable"}


def _head(model: str, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": model}
