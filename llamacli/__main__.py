"""`python -m llamacli` is the same program as `llamacli`."""

from llamacli.cli.main import entry_point

if __name__ == "__main__":
    entry_point()
