"""Any OpenAI-compatible server as an engine."""

from collections.abc import Callable, Generator
from concurrent.futures import TimeoutError as NotYet
from contextlib import closing
from typing import Any

from llamacli.complexity import Budget, Level
from llamacli.engine.base import EngineInfo
from llamacli.engine.remote.answer import Answer
from llamacli.engine.remote.connection import Chunks, Connection, Patience, Refused
from llamacli.engine.remote.dialects import (
    DIALECTS,
    OURS,
    UNKNOWN,
    Dialect,
    dialect_of,
    is_begun,
    messages_json,
    missing_words,
    refused_fields,
    request_body,
    template_json,
)
from llamacli.errors import BadUsage, EngineFailed, PromptTooLong, UnknownModel
from llamacli.events import Event, LoadEvent, Notice
from llamacli.messages import Conversation
from llamacli.sampling import Sampling

SOON_S = 0.1
"""So long a request waits for a budget that is being decided: a server that knows it cuts at the very token."""


class RemoteEngine:
    """An `Engine` whose model runs on a server."""

    def __init__(
        self, connection: Connection, info: EngineInfo, dialect: Dialect, report: Callable[[LoadEvent], None]
    ) -> None:
        self.info = info
        self._connection = connection
        self._dialect = dialect
        self._counter = dialect.counter
        self._report = report
        self._closed = False
        self._refused: frozenset[str] = frozenset()
        self._tell(frozenset(name for name, theirs in dialect.names.items() if not theirs))

    @classmethod
    def at(
        cls,
        endpoint: str,
        key: str | None,
        model: str,
        report: Callable[[LoadEvent], None],
        patience: Patience | None = None,
    ) -> "RemoteEngine":
        """The engine at an endpoint; `model` is a name there, or "auto" for the first that it lists."""
        connection = Connection(endpoint, key, patience or Patience())
        try:
            listed = _models(connection, required=model == "auto")
        except BaseException:
            connection.close()
            raise
        found = next((each for each in listed if model in ("auto", each.get("id"))), {})
        owner = str((found or (listed[0] if listed else {})).get("owned_by", ""))
        dialect = DIALECTS.get(owner, UNKNOWN)
        return cls(connection, _info(found, str(found.get("id", model)), connection.url, dialect), dialect, report)

    def count_tokens(self, conversation: Conversation) -> int:
        """Tokens of the conversation by the server's own count, else about one for four bytes."""
        if not conversation.messages:
            return 0
        if self._counter:
            body = {"model": self.info.model, "messages": messages_json(conversation)}
            try:
                told = self._connection.post(self._counter, body | template_json(conversation, self._dialect))
                return int(told["count"] if "count" in told else told["input_tokens"])
            except UnknownModel:  # an older server, or one behind a proxy that lets nothing else through
                self._counter = ""
            except (LookupError, TypeError, ValueError) as error:
                raise EngineFailed("The server did not count the tokens.", hint="Ask again.") from error
        return sum(len(message.content.encode()) // 4 + 5 for message in conversation.messages)

    def stream(self, conversation: Conversation, sampling: Sampling, budget: Budget) -> Generator[Event, None, None]:
        """Answer the conversation, see `Engine.stream`. Closing closes the socket at once."""
        self._check(conversation)
        budget.begin()
        counted = self._dialect.usage
        prompt_tokens = 0 if counted else self.count_tokens(conversation)
        answer = Answer(self._connection.url, sampling, budget, prompt_tokens, counted=counted)
        with closing(self._ask(conversation, sampling, _largest(budget))) as chunks:
            yield from answer.events(chunks, self._connection.patience)

    def close(self) -> None:
        """Close the connections."""
        self._closed = True
        self._connection.close()

    def _check(self, conversation: Conversation) -> None:
        if self._closed:
            raise EngineFailed("The model was closed.", hint="Open it again: /model NAME")
        if is_begun(conversation) and not self._dialect.continues:
            raise BadUsage(
                "This server cannot go on with an answer that is begun.",
                reason="Only llamacli serve, vLLM, SGLang and llama.cpp are known to.",
                hint="Ask again, with a larger budget: -n 800, or in a chat /set max_tokens 800 and /retry",
            )

    def _ask(self, conversation: Conversation, sampling: Sampling, max_tokens: int) -> Chunks:
        """The answer's chunks; optional fields that the server refuses are left out, from then on."""
        left_out = self._refused
        while True:
            body = request_body(self.info.model, conversation, sampling, max_tokens, self._dialect, left_out)
            try:
                chunks = self._connection.stream(body)
            except Refused as refused:
                if self._learns(refused):
                    continue
                fields = frozenset() if self._dialect is OURS else _worth_leaving_out(refused, body)
                if not fields:
                    raise refused.error from refused
                left_out |= fields
            else:
                self._tell(left_out - self._refused)
                self._refused = left_out - {"max_tokens"}  # that one may have been too large just now
                return chunks

    def _learns(self, refused: Refused) -> bool:
        """Whether a refusal tells what kind of server this is, which was not known."""
        if self._dialect is UNKNOWN:
            self._dialect = dialect_of(refused.said)
            return self._dialect is not UNKNOWN
        return False

    def _tell(self, fields: frozenset[str]) -> None:
        if words := missing_words(fields):
            self._report(Notice(words))


def _info(card: dict[str, Any], name: str, url: str, dialect: Dialect) -> EngineInfo:
    """What the list of models says of one; our own server knows where it runs."""
    window = card.get("max_model_len") or (card.get("meta") or {}).get("n_ctx")
    device, dtype, quantization = url, "remote", "none"
    if dialect is OURS:
        device, dtype, quantization = (str(card.get(key, "")) for key in ("device", "dtype", "quantization"))
    reason = "" if dialect.counter else "Tokens of a conversation are an estimate: the server does not count them."
    size = window if isinstance(window, int) else 0
    return EngineInfo(name, size, device, dtype, quantization, reason, f"by {dialect.name}")


def _largest(budget: Budget) -> int:
    """The most tokens that a budget may come to."""
    if budget.decided is None:
        return budget.at_least
    try:
        return max(budget.at_least, budget.decided.result(SOON_S))
    except NotYet:
        return max(budget.at_least, Level.HIGH.max_tokens)
    except Exception:  # noqa: BLE001 - raised where the budget is needed
        return budget.at_least


def _worth_leaving_out(refused: Refused, body: dict[str, Any]) -> frozenset[str]:
    """The fields without which a refused request might be taken; none where something else is wrong with it."""
    error = refused.error
    if isinstance(error, PromptTooLong):  # by the prompt alone, or together with its budget?
        return frozenset({"max_tokens"}) if "max_tokens" in body and "max_tokens" in refused.said else frozenset()
    if type(error) is not BadUsage:
        return frozenset()
    return refused_fields(refused.said, body)


def _models(connection: Connection, *, required: bool) -> list[dict[str, Any]]:
    """What the server lists; nothing where it has no list, or fails to make one (`transformers serve`)."""
    try:
        listed = connection.get("/v1/models")
    except (UnknownModel, EngineFailed) as error:
        if not isinstance(error.__cause__, Refused):  # it is not there at all
            raise
        listed = None
    found = listed.get("data") if isinstance(listed, dict) else None
    models = [each for each in found or [] if isinstance(each, dict) and each.get("id")]
    if required and not models:
        raise UnknownModel(
            f"The server at {connection.url} lists no models.", hint="Name one: llamacli ask -m NAME ..."
        )
    return models
