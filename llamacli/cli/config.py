"""`llamacli config`: every setting, its value, and where the value comes from."""

from pathlib import Path
from typing import Any

from llamacli.cli.context import World
from llamacli.cli.options import Json, with_settings
from llamacli.errors import ExitStatus
from llamacli.settings import SETTINGS, Setting, Settings

_MASK = "********"


@with_settings(())
def config(world: World, settings: Settings, as_json: Json = False) -> ExitStatus:
    """Show every setting, its value and its origin."""
    rows = [(setting.name, _shown(setting, settings), settings.sources[setting.name]) for setting in SETTINGS]
    if as_json:
        listed = [{"id": name, "value": value, "source": source} for name, value, source in rows]
        world.screen.data({"schema": 1, "settings": listed})
        return ExitStatus.DONE
    cells = [(name, _text(value), source) for name, value, source in rows]
    names, values = (max(len(row[column]) for row in cells) for column in (0, 1))
    for name, value, source in cells:
        world.screen.line(f"{name:<{names}}  {value:<{values}}  {source}")
    return ExitStatus.DONE


def _shown(setting: Setting, settings: Settings) -> Any:
    value = getattr(settings, setting.name)
    if setting.secret and value:
        return _MASK
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _text(value: Any) -> str:
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(map(repr, value))
    return " ".join(str(value).split())
