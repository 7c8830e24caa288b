"""The program with scripted models, for tests that run it as a process: `python -m tests.scripted_program SCRIPT ARGS`.

SCRIPT is JSON: `replies` (fields of `Reply`), `load_s` that loading takes, `notices` and `progress` on the way,
`fails` with the message of a model that cannot be had.
"""

import json
import sys
import time
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from llamacli.background import in_background
from llamacli.cli.context import World
from llamacli.cli.main import entry_point
from llamacli.engine import Models, Report, Wanted
from llamacli.engine.base import Classifier, Engine
from llamacli.engine.scripted import Reply, ScriptedClassifier, ScriptedEngine
from llamacli.errors import UnknownModel
from llamacli.events import LoadProgress, Notice

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

    classifier: Future[Classifier] = Future()
    classifier.set_result(ScriptedClassifier())
    return Models(in_background(load, "load"), classifier if wanted.classifier else None)


if __name__ == "__main__":
    script = json.loads(sys.argv.pop(1))
    world = replace(World.of_process(), open_models=lambda _, wanted, report: _models(script, wanted, report))
    world.check_before_loading = lambda _settings, _conversation: None
    entry_point(world)
