"""The settings table as documents show it: `.env.example`, and the README's table.

Write `.env.example` anew with `python -m llamacli.settings.text > .env.example`.
"""

import sys
from textwrap import wrap
from typing import Any

from llamacli.settings import SETTINGS, Setting

_HEAD = """\
# Settings of llamacli. Copy this file to ~/.config/llamacli/.env, or to .env in the directory where you work,
# and remove the # before what you want to change.
# An option beats the environment, which beats ./.env, which beats ~/.config/llamacli/.env, which beats the default.
# What is marked "not from ./.env" is ignored in the directory where you work: someone else may have written that file.
"""

_DIRECTORIES = {
    "config_dir": "~/.config/llamacli",
    "data_dir": "~/.local/share/llamacli",
    "cache_dir": "~/.cache/llamacli",
}


def env_example() -> str:
    """The text of `.env.example`: every setting as a comment, with its default."""
    return "\n".join([_HEAD, *map(_entry, SETTINGS)])


def readme_table() -> str:
    """The Markdown table between the README's `settings` markers."""
    head = "| setting | values | default | meaning |\n|---|---|---|---|\n"
    return head + "".join(
        f"| {_names(setting)} | {setting.range} | {_default(setting) or '—'} | {setting.help}{_trust(setting)} |\n"
        for setting in SETTINGS
    )


def _entry(setting: Setting) -> str:
    comment = wrap(f"{setting.help} Values: {setting.range}.{_trust(setting)}", 116)
    return "\n".join([*(f"# {line}" for line in comment), f"#{setting.environment[0]}={_default(setting)}", ""])


def _names(setting: Setting) -> str:
    return " or ".join(f"`{name}`" for name in setting.environment)


def _trust(setting: Setting) -> str:
    return " Not from `./.env`." if setting.needs_trust else ""


def _default(setting: Setting) -> str:
    value: Any = _DIRECTORIES.get(setting.name, setting.default)
    if value is None or value == ():
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    sys.stdout.write(env_example())
