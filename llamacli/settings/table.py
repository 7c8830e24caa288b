"""The one table of settings: what each is called, what it may be, what it means."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["text", "texts", "integer", "number", "flag", "directory", "url"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: what it is called, what it may be, what it means.

    Settings that need trust are not taken from a `.env` in the working directory, which somebody else may have written.
    """

    name: str
    kind: Kind
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    pattern: str = ""
    minimum: float | None = None
    maximum: float | None = None
    variables: tuple[str, ...] = ()
    needs_trust: bool = False
    secret: bool = False

    @property
    def option(self) -> str:
        """The name on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def environment(self) -> tuple[str, ...]:
        """The names in the environment and in `.env`, the first that is set counts."""
        return self.variables or ("LLAMACLI_" + self.name.upper(),)

    @property
    def range(self) -> str:
        """The values it may have, for people."""
        if self.choices or self.pattern:
            return ", ".join(self.choices) or self.pattern.replace("|", ", ").replace(r"cuda(:\d+)?", "cuda, cuda:N")
        if self.minimum is None:
            return {"flag": "true, false", "texts": "text", "url": "http(s) URL"}.get(self.kind, self.kind)
        return f"{self.minimum:,} and more" if self.maximum is None else f"{self.minimum:,} to {self.maximum:,}"

    def parse(self, text: str) -> Any:
        """The value that `text` stands for; ValueError where it stands for none."""
        if self.kind == "flag":
            return _FLAGS[text.strip().lower()] if text.strip().lower() in _FLAGS else _refuse()
        if self.kind == "integer":
            return self.checked(int(text))
        if self.kind == "number":
            return self.checked(float(text))
        if self.kind == "directory":
            return _directory(text)
        return (text,) if self.kind == "texts" else self.checked(text)

    def checked(self, value: Any) -> Any:
        """The value itself; ValueError where it is out of range."""
        if (self.choices and value not in self.choices) or (value == "" and self.default is not None):
            _refuse()
        if self.kind == "url" and value is not None and not re.fullmatch(r"https?://[^\s/]\S*", value):
            _refuse()
        if self.pattern and not re.fullmatch(self.pattern, value):
            _refuse()
        if self.minimum is not None and not self.minimum <= value <= (self.maximum or float("inf")):
            _refuse()
        return value


_FLAGS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def _refuse() -> Any:
    raise ValueError


def _directory(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # there is no such user
        raise ValueError from error


_DEVICE = r"auto|cpu|cuda(:\d+)?|mps"

_MANY = 1_000_000

SETTINGS: tuple[Setting, ...] = (
    Setting("model", "text", "auto", "Preset (auto, builtin, llama-3.1-8b), hub id or directory."),
    Setting("system", "text", None, "System prompt."),
    Setting(
        "complexity", "text", "auto",
        "Level that sets the token budget; auto asks the classifier, off takes medium without one.",
        choices=("auto", "low", "medium", "high", "off"),
    ),
    Setting(
        "max_tokens", "integer", None, "Most new tokens, in place of the complexity's budget.",
        minimum=1, maximum=_MANY,
    ),
    Setting("temperature", "number", 0.64, "Randomness; 0 is greedy.", minimum=0, maximum=5),
    Setting(
        "top_k", "integer", 51, "Sample among so many of the likeliest tokens; 0 is all.", minimum=0, maximum=_MANY
    ),
    Setting(
        "top_p", "number", 0.63, "Sample among the likeliest tokens up to this probability.", minimum=0.01, maximum=1
    ),
    Setting(
        "repetition_penalty", "number", 1.21, "How much seen tokens are avoided; 1 is not at all.",
        minimum=0.1, maximum=10,
    ),
    Setting("seed", "integer", None, "The same seed gives the same answer.", minimum=0, maximum=2**63 - 1),
    Setting("stop", "texts", (), "Text at which the answer ends (repeatable)."),
    Setting("device", "text", "auto", "Where the model runs.", pattern=_DEVICE),
    Setting("classifier_device", "text", "auto", "Where the classifier runs.", pattern=_DEVICE + "|none"),
    Setting(
        "quantization", "text", "auto", "Precision of the model's weights.", choices=("auto", "4bit", "8bit", "none")
    ),
    Setting(
        "endpoint", "url", None,
        "OpenAI-compatible server to ask, in place of loading a language model here.", needs_trust=True,
    ),
    Setting(
        "api_key", "text", None, "Key for the endpoint; for `llamacli serve`, the token that it asks for.",
        needs_trust=True, secret=True,
    ),
    Setting("server", "flag", True, "Ask a running llamacli serve of yours, where it has the model that is wanted."),
    Setting(
        "render", "text", "auto", "Look of the answer; auto is markdown on a terminal, plain elsewhere.",
        choices=("auto", "markdown", "plain"),
    ),
    Setting("save", "flag", True, "Keep the conversation in the history."),
    Setting("stats", "flag", False, "Show times, tokens and memory after the answer."),
    Setting(
        "compile", "flag", False,
        "On a card, compile the step of models without kernels of their own, for a minute, while they answer.",
    ),
    Setting("offline", "flag", False, "Never touch the network."),
    Setting(
        "hub_token", "text", None, "Token for models of the hub.",
        variables=("HF_TOKEN", "HUGGING_FACE_TOKEN"), secret=True,
    ),
    Setting("config_dir", "directory", None, "Directory of the configuration.", needs_trust=True),
    Setting("data_dir", "directory", None, "Directory of the data.", needs_trust=True),
    Setting("cache_dir", "directory", None, "Directory of caches.", needs_trust=True),
)  # fmt: skip
TABLE: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}
