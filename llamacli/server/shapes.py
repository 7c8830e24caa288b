"""What requests may say, as pydantic checks it and the OpenAPI document shows it."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field, field_validator, model_validator

from llamacli.complexity import Level
from llamacli.messages import Conversation, Message, Role
from llamacli.settings import TABLE

_ROLES = {"developer": Role.SYSTEM, **{role.value: role for role in Role}}
_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "n": (1,), "presence_penalty": (0,), "frequency_penalty": (0,), "logprobs": (False,), "logit_bias": ({},),
    "tools": ([],), "functions": ([],), "response_format": ({"type": "text"},), "audio": (), "prediction": (),
    "best_of": (1,), "min_p": (0,), "guided_json": (), "prompt": (),
}  # fmt: skip
"""Fields that other servers know and that would change the answer, and the values that would not."""


def _is_text(text: str) -> str:
    """JSON can hold halves of characters, which no tokenizer takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("half of a character (a lone surrogate) is no text") from None
    return text


Text = Annotated[str, AfterValidator(_is_text)]


def _number(name: str) -> Any:
    setting = TABLE[name]
    return Field(None, ge=setting.minimum, le=setting.maximum, description=setting.help)


class TextPart(BaseModel):
    """A piece of a message."""

    type: Literal["text"]
    text: Text


class ChatMessage(BaseModel):
    """One message."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Text | list[TextPart]

    def message(self) -> Message:
        """As a message of ours."""
        parts = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return Message(_ROLES[self.role], parts)


class TemplateArguments(BaseModel):
    """What the chat template is told: the day of the conversation, as in 26 Jul 2024."""

    date_string: str | None = None

    @field_validator("date_string")
    @classmethod
    def _is_a_day(cls, text: str | None) -> str | None:
        if text is not None:
            datetime.strptime(text, "%d %b %Y")
        return text


class Conversing(BaseModel):
    """A conversation. One that ends in an answer is continued from there."""

    model: str | None = None
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    chat_template_kwargs: TemplateArguments = TemplateArguments()
    continue_final_message: bool | None = None
    add_generation_prompt: bool | None = None

    def conversation(self) -> Conversation:
        """As a conversation of ours."""
        day = self.chat_template_kwargs.date_string
        started = date.today() if day is None else datetime.strptime(day, "%d %b %Y").date()
        return Conversation(tuple(each.message() for each in self.messages), started)


class StreamOptions(BaseModel):
    """Whether the tokens are told at the end of a stream, or in each chunk."""

    include_usage: bool = False
    continuous_usage_stats: bool = False


class ChatRequest(Conversing):
    """The body of /v1/chat/completions. Without `max_tokens` the complexity of the last prompt sets the budget."""

    model_config = ConfigDict(extra="allow")

    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(
        None, ge=1, le=1_000_000, validation_alias=AliasChoices("max_tokens", "max_completion_tokens")
    )
    temperature: float | None = _number("temperature")
    top_p: float | None = _number("top_p")
    top_k: int | None = _number("top_k")
    repetition_penalty: float | None = _number("repetition_penalty")
    seed: int | None = _number("seed")
    stop: Text | list[Text] | None = None
    complexity: Literal["auto", "off"] | Level | None = None

    @model_validator(mode="after")
    def _asks_for_nothing_else(self) -> "ChatRequest":
        for name, value in (self.model_extra or {}).items():
            if name in _NEUTRAL and value is not None and value not in _NEUTRAL[name]:
                raise ValueError(f"{name} is not supported here")
        return self

    @property
    def stops(self) -> tuple[str, ...]:
        """The stop texts."""
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())


class ClassifyRequest(BaseModel):
    """The body of /v1/classify."""

    input: Text | Annotated[list[Text], Field(min_length=1, max_length=1000)]

    @property
    def prompts(self) -> list[str]:
        """The prompts to rate."""
        return [self.input] if isinstance(self.input, str) else self.input


class LlamaRequest(BaseModel):
    """The body of /Llama: one prompt of 1 to 500 characters."""

    input_data: Text = Field(min_length=1, max_length=500, validation_alias=AliasChoices("input_data", "input_text"))
    stream: bool = False


class LlamaResponse(BaseModel):
    """The answer to it."""

    output_data: str
