"""Whether a conversation fits the context window, and by how much not."""

from llamacli.errors import PromptTooLong

SMALLEST_ANSWER = 100
"""Tokens that a prompt has to leave for its answer: the low budget."""


def room_for_answer(prompt_tokens: int, context_window: int) -> int:
    """Tokens left for the answer.

    Raises PromptTooLong, with both numbers, where fewer than `SMALLEST_ANSWER` are left
    (an eighth of the window, where it is a very small one).
    """
    fits = context_window - min(SMALLEST_ANSWER, context_window // 8)
    if prompt_tokens > fits:
        raise PromptTooLong(
            f"The prompt is too long: {prompt_tokens:,} tokens given, {fits:,} fit.",
            reason=f"The model's context window is {context_window:,} tokens, and the answer needs some of them.",
            hint="Shorten the prompt or the files, or choose a model with a larger window: llamacli ask -m MODEL ...",
        )
    return context_window - prompt_tokens
