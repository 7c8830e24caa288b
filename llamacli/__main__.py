"""Where the program begins, as `llamacli` and as `python -m llamacli`."""

import os
import signal

TYPE_CHECKING = False  # of typing, which takes longer to import than all else here
if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn


def run() -> "NoReturn":
    """Run the program; Ctrl-C ends it quietly during the imports too, which take a good part of a second."""
    taken = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # it is ignored in a script's background
    if taken:
        signal.signal(signal.SIGINT, _leave)
    from llamacli.cli.main import entry_point

    if taken:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    entry_point()


def _leave(_number: int, _frame: "FrameType | None") -> "NoReturn":
    if os.isatty(2):
        os.write(2, b"\n")  # after the ^C that the terminal shows
    os._exit(130)


if __name__ == "__main__":
    run()
