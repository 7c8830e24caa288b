"""Refuses what certainly does not fit, with the tokenizer alone: before torch is imported and a model loaded."""

import json
from pathlib import Path

from tokenizers import Tokenizer

from llamacli import builtin
from llamacli.messages import Conversation
from llamacli.settings import Settings
from llamacli.window import room_for_answer


def check_fits(settings: Settings, conversation: Conversation) -> None:
    """Raise PromptTooLong where the bare text has more tokens than the model reads.

    Only for models whose files are certain without looking at the machine. The template's own tokens are not
    counted, and a card may leave room for less: the engine counts again, exactly.
    """
    directory = _certain_directory(settings.model)
    if directory is None or not (directory / "tokenizer.json").is_file():
        return
    config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    window = config.get("max_position_embeddings")
    if isinstance(window, int):
        tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        texts = [message.content for message in conversation.messages]
        counts = [len(one.ids) for one in tokenizer.encode_batch(texts, add_special_tokens=False)]
        room_for_answer(sum(counts), window)


def _certain_directory(model: str) -> Path | None:
    if model == "builtin":
        return builtin.MODEL_DIR
    directory = Path(model).expanduser()
    return directory if directory.is_dir() else None
