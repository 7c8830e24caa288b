"""The one table of differences between OpenAI-compatible servers, and what a request looks like to each.

What every server is allowed, whatever its name: no `[DONE]` at the end; usage in the finish chunk, in a chunk without
choices, in each chunk or nowhere; a whole answer in place of a stream; an error as {"detail"}, {"error"} or a line that
is no JSON, before or amid the stream; to refuse optional fields, which are then left out.
"""

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from llamacli.messages import Conversation, Role
from llamacli.sampling import Sampling


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is known of a kind of server.

    names     its own names for fields of ours; "" where it ignores the field without a word
    more      fields of its own, which make it choose tokens as we do and tell how many there are
    packed    its field that takes the sampling which is not OpenAI's, as a JSON text
    counter   path that counts the tokens of messages; empty where there is none
    usage     it tells the tokens so far in each chunk, the first one included
    continues it goes on with an answer that is begun (`continue_final_message`)
    template  it passes `chat_template_kwargs` on to the model's template
    """

    name: str
    names: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    packed: str = ""
    counter: str = ""
    usage: bool = False
    continues: bool = False
    template: bool = False


UNKNOWN = Dialect("a server")
OURS = Dialect("llamacli serve", counter="/v1/tokenize", usage=True, continues=True, template=True)
TRANSFORMERS = Dialect("transformers serve", packed="generation_config", template=True)
"""Known by its words alone: its models are owned by whoever made them."""
_TRANSFORMERS_SAYS = "Unexpected fields in the request: "
_LLAMA_CPP = {
    "min_p": 0,  # it has one of its own
    "repeat_last_n": -1,  # it would look at the last 64 tokens
    "samplers": ["penalties", "temperature", "top_k", "top_p"],  # it would put the temperature last
    "timings_per_token": True,
}
DIALECTS: Mapping[str, Dialect] = {
    "llamacli": OURS,
    "vllm": Dialect("vLLM", counter="/tokenize", usage=True, continues=True, template=True),
    "sglang": Dialect("SGLang", continues=True, template=True),
    "llamacpp": Dialect(
        "llama.cpp", {"repetition_penalty": "repeat_penalty"}, _LLAMA_CPP,
        counter="/v1/chat/completions/input_tokens", continues=True, template=True,
    ),
    "me": Dialect("llama-cpp-python", {"repetition_penalty": "repeat_penalty"}, {"min_p": 0}),
    "library": Dialect("Ollama", {"top_k": "", "repetition_penalty": ""}),
}  # fmt: skip
"""By what the server's list of models gives as their owner."""

EXTENSIONS = frozenset({
    "top_k", "repetition_penalty", "repeat_penalty", "generation_config", "stream_options", "chat_template_kwargs",
    *_LLAMA_CPP,
})  # fmt: skip
"""Fields that are not OpenAI's: left out where a server refuses a request and names no field."""
OPTIONAL = EXTENSIONS | {"seed", "stop", "top_p", "max_tokens"}
"""Fields that may be left out where a server refuses them."""
MISSED = {
    "top_k": "top_k", "repetition_penalty": "repetition_penalty", "repeat_penalty": "repetition_penalty",
    "generation_config": "top_k and repetition_penalty", "seed": "seed", "top_p": "top_p",
}  # fmt: skip
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
    named = {dialect.names.get(name, name): value for name, value in (body | {**dialect.more}).items()}
    if dialect.packed:
        apart = {name: named.pop(name) for name in ("top_k", "repetition_penalty")}
        named[dialect.packed] = json.dumps({"do_sample": sampling.temperature > 0, **apart})
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
    present = OPTIONAL & frozenset(body)
    return frozenset(name for name in present if name in said) or (present & EXTENSIONS)


def missing_words(fields: Set[str]) -> str:
    """A sentence about sampling fields that a server does not take, or nothing."""
    missed = [words for name, words in MISSED.items() if name in fields]
    return f"The server does not take {' and '.join(missed)}: its own choice counts." if missed else ""


def dialect_of(said: str) -> Dialect:
    """The kind of server that refuses with these words, where they tell."""
    return TRANSFORMERS if _TRANSFORMERS_SAYS in said else UNKNOWN
