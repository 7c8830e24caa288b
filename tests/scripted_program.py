"""The program with scripted models, for tests that run it as a process: `python -m tests.scripted_program SCRIPT ARGS`.

SCRIPT is JSON: `replies` (fields of `Reply`), `load_s` that loading takes, `notices` and `progress` on the way,
`fails` with the message of a model that cannot be had.
"""

import json
import os
import sys
import time
from dataclasses import replace
from typing import Any

from llamacli.background import in_background
from llamacli.cli.context import World
from llamacli.cli.main import main
from llamacli.complexity import Level
from llamacli.engine import Models, Report, Wanted
from llamacli.engine.base import Engine
from llamacli.engine.scripted import Reply, ScriptedClassifier, ScriptedEngine, scripted_models
from llamacli.errors import UnknownModel
from llamacli.events import LoadProgress, Notice
from llamacli.settings import Settings

_TICK_S = 0.05


def _models(script: dict[str, Any], wanted: Wanted, report: Report) -> Models:
    def load() -> Engine:
        for notice in script.get("notices", ()):
            report(Notice(notice))
        ticks = round(script.get("load_s", 0) / _TICK_S)
        for tick in range(ticks):
            report(LoadProgress("model", "reading weights", tick, ticks, "bytes"))
            time.sleep(_TICK_S)
        if "fails" in script:
            raise UnknownModel(script["fails"], hint="Try another.")
        return ScriptedEngine.saying(*(Reply(**reply) for reply in script["replies"]))

    classifier = ScriptedClassifier(default=Level.LOW) if wanted.classifier else None
    loaded = scripted_models(None, classifier)
    return Models(in_background(load, "load"), loaded._classifier)


def run(script: dict[str, Any], argv: list[str]) -> int:
    def open_models(settings: Settings, wanted: Wanted, report: Report) -> Models:
        return _models(script, wanted, report)

    return main(argv, replace(World.of_process(), open_models=open_models))


if __name__ == "__main__":
    status = run(json.loads(sys.argv[1]), sys.argv[2:])
    sys.stdout.flush()
    os._exit(status)
