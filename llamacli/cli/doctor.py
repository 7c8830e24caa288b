"""`llamacli doctor`: what this machine can run, and what to do about what it cannot."""

from llamacli.cli.context import World
from llamacli.cli.options import PANELS, Json, with_settings
from llamacli.doctor import examine
from llamacli.errors import ExitStatus
from llamacli.settings import Settings
from llamacli.terminal.doctor_reports import doctor_json, doctor_text
from llamacli.terminal.loading import LoadingDisplay


@with_settings(PANELS["Model and machine"])
def doctor(world: World, settings: Settings, as_json: Json = False) -> ExitStatus:
    """Say what this machine can run, and what would help."""
    with LoadingDisplay(world.screen) as display:
        display.status("looking at this machine")
        diagnosis = examine(settings, world.environ)
    if as_json:
        world.screen.data(doctor_json(diagnosis))
    else:
        world.screen.line(doctor_text(diagnosis, world.screen.out_size().columns))
    return ExitStatus.DONE if diagnosis.can_run else ExitStatus.FAILED
