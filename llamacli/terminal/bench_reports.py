"""What `bench` says: figures to a table for people, or to what becomes JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from llamacli.bench import BenchReport
from llamacli.engine.base import EngineInfo, Speed

MIB = 1 << 20


def bench_json(report: BenchReport, info: EngineInfo, classifier_device: str | None) -> dict[str, object]:
    """The object of `bench --json`; seconds, tokens and bytes."""
    figures = asdict(report)
    return {
        "schema": 1,
        "model": asdict(info),
        "classifier_device": classifier_device,
        **{name: _rounded(value) for name, value in figures.items()},
        "hidden": None if report.classifier is None else round(report.classifier.hidden, 3),
        "ceiling_tokens_per_s": round(report.ceiling_tokens_per_s, 1),
        "ceiling_reached": [round(s.tokens_per_s / report.ceiling_tokens_per_s, 4) for s in report.speeds],
        "times_baseline": [round(ratio, 2) for ratio in _ratios(report.speeds, report.baseline)],
        "compiled_times_baseline": [round(ratio, 2) for ratio in _ratios(report.compiled, report.baseline)],
    }


def bench_text(report: BenchReport, info: EngineInfo) -> str:
    """The table for people."""
    heading = "prompt tokens   first token   tokens/s   of the ceiling"
    lines = [
        f"{info.model} on {info.device}, {info.dtype}, quantization {info.quantization}, {info.decoding}",
        f"loaded in {report.load_s:.1f} s, first answer after {report.ready_s:.2f} s",
        "",
        heading + ("   plain generate   times" if report.baseline else ""),
        *_rows(report, report.speeds),
    ]
    if report.compiled:
        lines += [f"compiled in {report.compile_s:.0f} s:", *_rows(report, report.compiled)]
    return "\n".join([*lines, "", *_rest(report)])


def _rows(report: BenchReport, speeds: Sequence[Speed]) -> Iterator[str]:
    ratios = _ratios(speeds, report.baseline)
    for place, speed in enumerate(speeds):
        row = f"{speed.prompt_tokens:>13,}   {speed.first_token_s:>9.3f} s   {speed.tokens_per_s:>8.1f}"
        row += f"   {speed.tokens_per_s / report.ceiling_tokens_per_s:>13.1%}"
        if report.baseline:
            row += f"   {report.baseline[place].tokens_per_s:>14.1f}   {ratios[place]:>4.1f}x"
        yield row


def _rest(report: BenchReport) -> list[str]:
    ceiling = f"{report.copy_bytes_per_s / 1e9:,.0f} GB/s over {report.weight_bytes / 1e9:.2f} GB of weights"
    lines = [f"ceiling         {report.ceiling_tokens_per_s:,.0f} tokens/s: {ceiling}"]
    if report.classifier is not None:
        cost = report.classifier
        first = f"first token {cost.first_token_without_s:.3f} s without it, {cost.first_token_with_s:.3f} s with it"
        lines.append(f"classifier      {cost.alone_s * 1000:.1f} ms, {cost.hidden:.0%} of it hidden: {first}")
    chat = report.chat
    lines.append(
        f"chat            first token {chat.first_turn_s:.3f} s in turn 1, {chat.last_turn_s:.3f} s in turn "
        f"{chat.turns} with {chat.tokens_behind:,} tokens behind it"
    )
    lines.append(f"stop            {report.stop_s * 1000:.1f} ms")
    lines += [f"peak memory     {device}: {peak / MIB:,.0f} MiB" for device, peak in report.peak_bytes.items()]
    return lines


def _ratios(speeds: Sequence[Speed], baseline: Sequence[Speed]) -> list[float]:
    return [ours.tokens_per_s / theirs.tokens_per_s for ours, theirs in zip(speeds, baseline, strict=False)]


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, Mapping):
        return {name: _rounded(each) for name, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value
