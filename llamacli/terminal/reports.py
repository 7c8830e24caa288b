"""What a command says of its work: values to text, or to what becomes JSON. Seconds and tokens throughout."""

import sys
from collections.abc import Mapping

from llamacli.chat import Complexity, TurnReport
from llamacli.complexity import Classification, Level
from llamacli.engine.base import EngineInfo


def stats_line(report: TurnReport, info: EngineInfo, load_s: float, memory_bytes: int | None = None) -> str:
    """Two lines of figures about one turn: its speed and tokens; its budget, the loading and the device."""
    return "\n".join((_pace(report), _setting(report.complexity, info, load_s, memory_bytes)))


def _pace(report: TurnReport) -> str:
    usage, timings = report.finished.usage, report.finished.timings
    cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
    return " · ".join(
        (
            f"first token {timings.first_token_s:.2f} s",
            f"{timings.tokens_per_s:.1f} tokens/s",
            f"{usage.prompt_tokens:,} in{cached}, {usage.completion_tokens:,} out",
            f"{timings.total_s:.2f} s in all",
        )
    )


def _setting(complexity: Complexity | None, info: EngineInfo, load_s: float, memory_bytes: int | None) -> str:
    parts = []
    if complexity is not None:
        parts.append(f"complexity {complexity.level} ({complexity.source}), {complexity.max_tokens:,} tokens")
    parts.append(f"{info.model} on {info.device}, {_precision(info)}, loaded in {load_s:.1f} s")
    if memory_bytes is not None:
        parts.append(f"{memory_bytes / 2**30:.2f} GiB of memory")
    return " · ".join(parts)


def _precision(info: EngineInfo) -> str:
    return info.dtype if info.quantization == "none" else info.quantization


def peak_memory() -> int | None:
    """Bytes of main memory that this process had at most; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def turn_json(
    answer: str,
    report: TurnReport,
    info: EngineInfo,
    classifier_device: str | None,
    load_s: float,
    conversation: str | None = None,
) -> dict[str, object]:
    """The object of `ask --json`; `conversation` is the id of the saved one.

    `complexity` is None where Ctrl-C came before the prompt was rated: whoever pressed it shall not wait for that.
    """
    usage, timings = report.finished.usage, report.finished.timings
    return {
        "answer": answer,
        "model": info.model,
        "finish_reason": report.finished.reason.value,
        "complexity": None if report.complexity is None else _complexity_json(report.complexity),
        "usage": {
            "prompt_tokens": usage.prompt_tokens,
            "cached_tokens": usage.cached_tokens,
            "completion_tokens": usage.completion_tokens,
        },
        "timings": {
            "load_s": round(load_s, 3),
            "first_token_s": round(timings.first_token_s, 3),
            "total_s": round(timings.total_s, 3),
            "tokens_per_s": round(timings.tokens_per_s, 2),
            "classify_s": round(report.classify_s, 3),
        },
        "devices": {"model": info.device, "classifier": classifier_device},
        "conversation": conversation,
    }


def classification_json(prompt: str, rated: Classification) -> dict[str, object]:
    """The object of `classify --json`: the prompt and its complexity."""
    return {"prompt": prompt, **_complexity_json(_complexity(rated))}


def classification_text(rated: Classification, *, scores: bool = False, lines: bool = False) -> str:
    """What `classify` prints for one prompt.

    A sentence for people: `low  100 tokens`, with `scores` also `(low 0.90, medium 0.08, high 0.02)`.
    With `lines`, fields for `cut`: level TAB tokens, with `scores` also TAB low TAB medium TAB high.
    """
    shares = _scores(rated.scores) if scores and rated.scores is not None else None
    if lines:
        return "\t".join((rated.level, str(rated.level.max_tokens), *(f"{s:.4f}" for s in (shares or {}).values())))
    text = f"{rated.level}  {rated.level.max_tokens} tokens"
    return text if shares is None else f"{text}  ({', '.join(f'{k} {s:.2f}' for k, s in shares.items())})"


def _complexity(rated: Classification) -> Complexity:
    scores = None if rated.scores is None else _scores(rated.scores)
    return Complexity(rated.level, scores, rated.level.max_tokens, "option" if scores is None else "classifier")


def _complexity_json(complexity: Complexity) -> dict[str, object]:
    scores = complexity.scores
    return {
        "level": complexity.level.value,
        "scores": None if scores is None else {level: round(scores[level], 4) for level in Level},
        "max_tokens": complexity.max_tokens,
        "source": complexity.source,
    }


def _scores(scores: Mapping[Level, float]) -> dict[str, float]:
    return {level.value: scores[level] for level in Level}
