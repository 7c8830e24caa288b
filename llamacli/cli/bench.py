"""`llamacli bench`: what this machine does with a model."""

from contextlib import closing
from dataclasses import replace
from typing import Annotated

import typer

from llamacli.bench import Bench
from llamacli.cli.context import World
from llamacli.cli.options import PANELS, Json, with_settings
from llamacli.engine import Wanted, instruments, open_synthetic
from llamacli.errors import BadUsage, ExitStatus
from llamacli.settings import Settings
from llamacli.terminal.bench_reports import bench_json, bench_text
from llamacli.terminal.loading import LoadingDisplay

Synthetic = Annotated[
    str | None,
    typer.Option("--synthetic", metavar="NAME", help="Random weights of this shape, no download: llama-3.1-8b."),
]
Baseline = Annotated[bool, typer.Option("--baseline", help="Measure plain generate beside it.")]
Compiled = Annotated[bool, typer.Option("--compile", help="Measure the compiled step too; it takes a minute.")]
Lengths = Annotated[str, typer.Option("--prompt-tokens", metavar="N,N", help="Lengths of the prompts.")]
Tokens = Annotated[int, typer.Option("--tokens", metavar="N", min=16, help="Tokens decoded at each length.")]
_SHOWN = tuple(name for name in PANELS["Sampling"] + PANELS["Model and machine"] if name != "compile")


@with_settings(_SHOWN)
def bench(
    world: World,
    settings: Settings,
    synthetic: Synthetic = None,
    baseline: Baseline = False,
    compiled: Compiled = False,
    lengths: Lengths = "64,1024,4096",
    tokens: Tokens = 128,
    as_json: Json = False,
) -> ExitStatus:
    """Measure what this machine does with a model."""
    counts = _counts(lengths)
    display = LoadingDisplay(world.screen)
    if synthetic is None:
        models = world.open_models(replace(settings, endpoint=None, server=False), Wanted(), display.report)
    else:
        models = open_synthetic(synthetic, settings, Wanted(), display.report)
    with closing(models), display:
        engine = models.engine
        run = Bench(models, instruments(engine), settings, lambda what: display.status(f"measuring {what}"))
        report = run.run(counts, tokens, baseline=baseline, compiled=compiled)
        classifier = models.classifier
    if as_json:
        world.screen.data(bench_json(report, engine.info, classifier.device if classifier else None))
    else:
        world.screen.line(bench_text(report, engine.info))
    return ExitStatus.DONE


def _counts(lengths: str) -> list[int]:
    parts = [part.strip() for part in lengths.split(",")]
    if not all(part.isdigit() and int(part) >= 32 for part in parts):
        raise BadUsage(f"{lengths!r} are no lengths of prompts.", hint="llamacli bench --prompt-tokens 64,4096")
    return [int(part) for part in parts]
