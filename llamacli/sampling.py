"""How the next token is chosen."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sampling:
    """The choices of one answer; defaults and ranges stand in the table of `settings`.

    temperature         divides the logits; 0 takes the likeliest token always
    top_k               only so many of the likeliest tokens; 0 takes all
    top_p               only the likeliest tokens that together reach this probability
    repetition_penalty  divides (positive) or multiplies (negative) the logits of tokens seen before
                        (Keskar et al. 2019, arXiv 1909.05858)
    seed                the same seed gives the same text; None takes a random one
    stop                texts at which the answer ends; they are not part of it
    """

    temperature: float
    top_k: int
    top_p: float
    repetition_penalty: float
    seed: int | None = None
    stop: tuple[str, ...] = ()
