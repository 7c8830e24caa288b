"""llamacli: ask, chat and classify on your own machine."""

__version__ = "0.1.0"
