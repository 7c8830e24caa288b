"""The texts that settings come from: the environment and two `.env` files, which never enter the environment."""

import io
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llamacli.attachments import decode
from llamacli.cli.context import World
from llamacli.settings import Settings, Source, resolve


def settings_of(options: Mapping[str, Any], world: World) -> Settings:
    """The settings under these options; what was ignored is shown as notices.

    Raises BadUsage like `resolve`, and NotText where the system prompt is not UTF-8.
    """
    environment = Source("the environment", world.environ)
    in_config = resolve(options, [environment], world.environ).config_dir / ".env"
    in_cwd = world.cwd / ".env"
    sources = [environment]
    # In the configuration directory itself, its `.env` is the person's own.
    if in_cwd.is_file() and not (in_config.is_file() and in_cwd.samefile(in_config)):
        sources.append(Source("./.env", _texts(in_cwd, world), trusted=False))
    if in_config.is_file():
        sources.append(Source(str(in_config), _texts(in_config, world)))
    settings = resolve(options, sources, world.environ)
    if settings.system:
        decode(os.fsencode(settings.system), "The system prompt")
    for notice in settings.notices:
        world.screen.notice(notice)
    return settings


def _texts(path: Path, world: World) -> Mapping[str, str | None]:
    logging.getLogger("dotenv").setLevel(logging.ERROR)  # it warns of a line that it skips without naming the file
    from dotenv import dotenv_values  # rarely needed, and as slow as all of settings

    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        world.screen.notice(f"{path} cannot be read and is ignored: {error}")
        return {}
    return dotenv_values(stream=io.StringIO(text), interpolate=False)
