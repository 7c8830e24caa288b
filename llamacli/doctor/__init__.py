"""What this machine can run, and what to do about what it cannot.

check      one finding, and all of them
machine    libraries, cards, memory, disks, variables
models     what is on disk, what would be loaded, where it would run
"""

from llamacli.doctor import machine, models
from llamacli.doctor.check import Check, Diagnosis, Status
from llamacli.doctor.machine import Environ
from llamacli.engine import survey_machine
from llamacli.engine.survey import Survey
from llamacli.settings import Settings

__all__ = ["Check", "Diagnosis", "Status", "diagnose", "examine"]


def examine(settings: Settings, environ: Environ) -> Diagnosis:
    """Look at this machine; imports torch."""
    try:
        survey = survey_machine(settings)
    except Exception as error:  # noqa: BLE001 - a broken library may raise anything while it is imported
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        broken = Check("engine", Status.FAIL, f"The libraries cannot be used. {reason}", "Install llamacli again.")
        return Diagnosis((*machine.versions(), broken), can_run=False)
    return diagnose(survey, settings, environ)


def diagnose(survey: Survey, settings: Settings, environ: Environ) -> Diagnosis:
    """What a survey means under these settings."""
    name, model = models.model(survey, settings)
    last = [model] if model.status is Status.FAIL else [model, models.placement(survey, settings, name)]
    checks = [
        *machine.versions(survey.bitsandbytes_fault),
        *machine.cards(survey),
        machine.memory(survey),
        *machine.disk(survey, needed_gb=models.needed_gb(survey, name)),
        models.token(survey, settings),
        *models.stored(survey),
        *machine.environment(environ),
        *models.settings(settings),
        *last,
    ]
    return Diagnosis(tuple(checks), can_run=all(check.status is not Status.FAIL for check in last))
