"""Refuses what certainly does not fit, with the tokenizer alone: before torch is imported and a model loaded."""

import json
from pathlib import Path

from llamacli import builtin
from llamacli.messages import Conversation
from llamacli.settings import Settings
from llamacli.window import room_for_answer


def check_fits(settings: Settings, conversation: Conversation) -> None:
    """Raise PromptTooLong where the bare text has more tokens than the model reads.

    Only for models whose files are certain without looking at the machine. The template's own tokens are not
    counted, and a card may leave room for less: the engine counts again, exactly. Files that cannot be read are
    left to the loader, which says what is wrong with them.
    """
    texts = [message.content for message in conversation.messages]
    directory = _certain_directory(settings)
    window = _window(directory) if directory is not None else None
    # A token stands for a byte at least.
    if directory is None or window is None or sum(len(text.encode()) for text in texts) < window:
        return
    from tokenizers import Tokenizer  # which the short questions need not wait for

    try:
        tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    except Exception:  # noqa: BLE001 - tokenizers raises nothing more precise
        return
    counts = [len(one.ids) for one in tokenizer.encode_batch(texts, add_special_tokens=False)]
    room_for_answer(sum(counts), window)


def _certain_directory(settings: Settings) -> Path | None:
    """The directory of the model, if there is no doubt which one it will be."""
    if settings.model == "builtin" or (settings.model == "auto" and not _llama_is_possible(settings)):
        return builtin.MODEL_DIR
    directory = Path(settings.model)
    return directory if directory.is_dir() else None


def _llama_is_possible(settings: Settings) -> bool:
    """Whether `auto` could be Llama 3.1 8B, if there were a card for it: a token, or a trace of it on disk."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return bool(settings.hub_token) or (Path(HF_HUB_CACHE) / "models--meta-llama--Llama-3.1-8B-Instruct").is_dir()


def _window(directory: Path) -> int | None:
    try:
        window = json.loads((directory / "config.json").read_text(encoding="utf-8"))["max_position_embeddings"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return window if isinstance(window, int) else None
