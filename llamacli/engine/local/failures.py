"""The one table of foreign exceptions and what they are called here."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
import torch
from huggingface_hub import errors as hub
from jinja2 import TemplateError
from safetensors import SafetensorError

from llamacli.errors import (
    BadToken,
    BadUsage,
    BrokenModel,
    EngineFailed,
    GatedModel,
    LlamacliError,
    ModelNotOnDisk,
    ModelUnavailable,
    OutOfMemory,
    UnknownModel,
)

Test = Callable[[BaseException], bool]


def _is(*kinds: type[BaseException]) -> Test:
    return lambda error: isinstance(error, kinds)


def _status(number: int, kind: type[hub.HfHubHTTPError] = hub.HfHubHTTPError) -> Test:
    return lambda error: isinstance(error, kind) and error.response.status_code == number


def _out_of_cpu_memory(error: BaseException) -> bool:
    # torch has no type for it: a RuntimeError of its CPU allocator.
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error))


def _disk_full(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno == errno.ENOSPC


# The first row that fits the exception, or one that it was raised from, names the failure.
# Order matters: GatedRepoError is a RepositoryNotFoundError, and both answer 401 where there is no token.
_TABLE: tuple[tuple[Test, type[LlamacliError], str, str], ...] = (
    (_is(torch.OutOfMemoryError), OutOfMemory, "The card is out of memory.",
     "Free memory on it, shorten the conversation, or run on the CPU: --device cpu"),
    (_out_of_cpu_memory, OutOfMemory, "The machine is out of memory.",
     "Close other programs or choose a smaller model: -m builtin"),
    (_is(torch.AcceleratorError), EngineFailed, "The card failed.",
     "Run on the CPU instead: --device cpu"),
    (_status(403, hub.GatedRepoError), GatedModel, "{model} is gated, and this token may not have it.",
     "Accept the licence on the model's page of the hub with the account of the token, then run the command again."),
    (_is(hub.GatedRepoError), GatedModel, "{model} is gated: its licence has to be accepted first.",
     "Accept it on the model's page of the hub, create a token there and set it: export HF_TOKEN=hf_..."),
    (_is(hub.RepositoryNotFoundError), UnknownModel, "{model} is not on the hub, or not for this token to see.",
     "Check the name, or use the built-in model: -m builtin"),
    (_status(401), BadToken, "The hub does not accept the token.",
     "Create a new one on the hub and set it: export HF_TOKEN=hf_..."),
    (_status(403), BadToken, "The token may not read {model}.",
     "Let it read gated repositories in its settings on the hub, or create one that may: export HF_TOKEN=hf_..."),
    (_is(hub.HFValidationError), UnknownModel, "{model} is neither a directory nor a name that the hub could have.",
     "Check the name, or use the built-in model: -m builtin"),
    (_is(hub.HfHubHTTPError), ModelNotOnDisk, "{model} cannot be downloaded: the hub answers with an error.",
     "Try it again later, or use the built-in model: -m builtin"),
    (_is(httpx2.TransportError), ModelNotOnDisk, "{model} cannot be downloaded: the hub cannot be reached.",
     "Check the network and run the command again, or use the built-in model: -m builtin"),
    (_is(hub.LocalEntryNotFoundError, hub.OfflineModeIsEnabled), ModelNotOnDisk,
     "{model} is not on disk, and the hub was not reached.",
     "Go online without --offline once to download it, or use the built-in model: -m builtin"),
    (_disk_full, ModelUnavailable, "The disk is full.",
     "Free some space (see llamacli models list), and run the command again."),
    (_is(SafetensorError, FileNotFoundError, EOFError), BrokenModel, "The model's files cannot be read.",
     "Download or copy the model again."),
    (_is(TemplateError), BadUsage, "The model's chat template refuses this conversation.",
     "Try it without --system."),
)  # fmt: skip


@contextmanager
def translated(model: str = "The model") -> Iterator[None]:
    """Let only errors of `llamacli.errors` out, about `model`; the foreign one stays attached as the cause."""
    try:
        yield
    except LlamacliError:
        raise
    except Exception as error:  # the edge where every foreign exception is named
        raise translate(error, model) from error


def translate(error: BaseException, model: str = "The model") -> LlamacliError:
    """Our name for a foreign exception: the first row of the table that fits it or what it was raised from."""
    for cause in _chain(error):
        for fits, ours, message, hint in _TABLE:
            if fits(cause):
                return ours(message.replace("{model}", model), reason=_first_line(cause), hint=hint)
    return EngineFailed(
        f"The model failed: {type(error).__name__}.", reason=_first_line(error), hint="See more with --debug."
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _first_line(error: BaseException) -> str:
    said = getattr(error, "server_message", None) or str(error)  # the hub's own words, where it has some
    return (said.strip().splitlines() or [""])[0][:300]
