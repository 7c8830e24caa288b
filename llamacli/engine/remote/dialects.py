"""The one table of differences between OpenAI-compatible servers, and what a request looks like to each.

What every server is allowed, whatever its name: no `[DONE]` at the end; usage in the finish chunk, in a chunk without
choices, in each chunk or nowhere; a whole answer in place of a stream; an error as {"detail"}, {"error"} or a line that
is no JSON, before or amid the stream; to refuse optional fields, which are then left out.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from llamacli.messages import Conversation, Role
from llamacli.sampling import Sampling


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is known of a kind of server.

    names     its own names for fields of ours; "" where it ignores the field without a word
    counter   path that counts the tokens of messages; empty where there is none
    usage     it tells the tokens so far in each chunk, the first one included
    continues it goes on with an answer that is begun (`continue_final_message`)
    template  it passes `chat_template_kwargs` on to the model's template
    """

    name: str
    names: Mapping[str, str] = field(default_factory=dict)
    counter: str = ""
    usage: bool = False
    continues: bool = False
    template: bool = False


UNKNOWN = Dialect("a server")
OURS = Dialect("llamacli serve", {}, "/v1/tokenize", usage=True, continues=True, template=True)
DIALECTS: Mapping[str, Dialect] = {
    "llamacli": OURS,
    "vllm": Dialect("vLLM", {}, "/tokenize", usage=True, continues=True, template=True),
    "sglang": Dialect("SGLang", continues=True, template=True),
    "llamacpp": Dialect("llama.cpp", {"repetition_penalty": "repeat_penalty"}, template=True),
    "library": Dialect("Ollama", {"top_k": "", "repetition_penalty": ""}),
}
"""By what the server's list of models gives as their owner."""

OPTIONAL = (
    "top_k", "repetition_penalty", "repeat_penalty", "seed", "stop", "top_p",
    "stream_options", "chat_template_kwargs", "max_tokens",
)  # fmt: skip
"""Fields that may be left out where a server refuses them."""
EXTENSIONS = frozenset({"top_k", "repetition_penalty", "repeat_penalty", "stream_options", "chat_template_kwargs"})
"""Those that are not OpenAI's: left out where a server refuses a request and names no field."""
MISSED = ("top_k", "repetition_penalty", "repeat_penalty", "seed", "top_p")
"""Those whose absence changes the answer, which a person has to know; stop texts and lengths are seen to here."""


def request_body(
    model: str, conversation: Conversation, sampling: Sampling, max_tokens: int, dialect: Dialect, without: Set[str]
) -> dict[str, Any]:
    """The JSON of a streaming request, less the fields in `without`."""
    body: dict[str, Any] = {
        "model": model,
        "messages": messages_json(conversation),
        "stream": True,
        "stream_options": {"include_usage": True, "continuous_usage_stats": True},
        "max_tokens": max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "repetition_penalty": sampling.repetition_penalty,
    }
    if sampling.seed is not None:
        body["seed"] = sampling.seed
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    body |= template_json(conversation, dialect)
    named = {dialect.names.get(name, name): value for name, value in body.items()}
    return {name: value for name, value in named.items() if name and name not in without}


def messages_json(conversation: Conversation) -> list[dict[str, str]]:
    """The messages as every server has them."""
    return [{"role": message.role.value, "content": message.content} for message in conversation.messages]


def template_json(conversation: Conversation, dialect: Dialect) -> dict[str, Any]:
    """What the chat template has to know: the day of the conversation, and whether its last answer goes on."""
    extra: dict[str, Any] = {}
    if dialect.template:
        extra["chat_template_kwargs"] = {"date_string": conversation.started.strftime("%d %b %Y")}
    if is_begun(conversation):
        extra |= {"continue_final_message": True, "add_generation_prompt": False}
    return extra


def is_begun(conversation: Conversation) -> bool:
    """Whether the conversation ends in an answer, which is to be continued."""
    return bool(conversation.messages) and conversation.messages[-1].role is Role.ASSISTANT


def refused_fields(said: str, body: Mapping[str, Any]) -> frozenset[str]:
    """The optional fields of a request that its refusal names; else those of them that are not OpenAI's."""
    present = frozenset(OPTIONAL) & frozenset(body)
    return frozenset(name for name in present if name in said) or (present & EXTENSIONS)


def missing_words(fields: Set[str]) -> str:
    """A sentence about sampling fields that a server does not take, or nothing."""
    missed = [name.replace("repeat_penalty", "repetition_penalty") for name in MISSED if name in fields]
    return f"The server does not take {' and '.join(missed)}: its own choice counts." if missed else ""
