"""Where configuration, data and caches live, after the XDG base directory rules."""

from collections.abc import Mapping
from pathlib import Path

_XDG = {
    "config": ("XDG_CONFIG_HOME", ".config"),
    "data": ("XDG_DATA_HOME", ".local/share"),
    "cache": ("XDG_CACHE_HOME", ".cache"),
}


def default_directory(kind: str, environ: Mapping[str, str]) -> Path:
    """The directory of `kind` ("config", "data" or "cache"); relative XDG paths are ignored, as the rules say."""
    variable, below_home = _XDG[kind]
    base = Path(environ.get(variable, ""))
    if not base.is_absolute():
        base = Path(environ.get("HOME") or Path.home()) / below_home
    return base / "llamacli"
