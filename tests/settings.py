"""Settings for tests, as if no option, variable or file said anything else."""

from typing import Any

from llamacli.sampling import Sampling
from llamacli.settings import Settings, resolve


def settings(**options: Any) -> Settings:
    """The defaults with these values in place."""
    return resolve(options, [], {"HOME": "/nowhere"})


def sampling(**options: Any) -> Sampling:
    """The default sampling with these values in place."""
    return settings(**options).sampling
