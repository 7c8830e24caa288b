"""Every way in which a command can fail, and the status that it exits with.

LlamacliError                          status
  BadUsage                             2    the command was wrong
    NothingToAsk                            no words and nothing on standard input
    NotText                                 bytes that are not UTF-8 text
    PromptTooLong                           more tokens than the context window has
    UnknownConversation                     no saved one has this id
  ModelUnavailable                     3    the model cannot be had
    UnknownModel                            no such hub id, directory or preset
    GatedModel                              the hub wants its licence accepted
    BadToken                                the hub refuses the token
    ModelNotOnDisk                          and the network may not, or cannot, be asked
  EngineFailed                         1    the model or the machine failed
    OutOfMemory                             of a card, or of the machine
    BrokenModel                             its files cannot be read, or do not fit together
  HistoryFailed                        1    saved conversations cannot be read or written
  Interrupted                          130  by Ctrl-C
"""

from enum import IntEnum
from typing import ClassVar


class ExitStatus(IntEnum):
    """What the process says to the shell when it ends."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NO_MODEL = 3
    INTERRUPTED = 130


class LlamacliError(Exception):
    """What went wrong (`message`), why (`reason`), and the next command to run (`hint`)."""

    status: ClassVar[ExitStatus] = ExitStatus.FAILED

    def __init__(self, message: str, *, reason: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.hint = hint


class BadUsage(LlamacliError):
    """The command was wrong: an option, a file, a number out of its range."""

    status = ExitStatus.USAGE


class NothingToAsk(BadUsage):
    """There are no words, and standard input is a terminal, empty or blank."""


class NotText(BadUsage):
    """The input is not UTF-8, or holds NUL bytes."""


class PromptTooLong(BadUsage):
    """The conversation has more tokens than the model's context window leaves for it."""


class UnknownConversation(BadUsage):
    """No saved conversation has this id, or more than one begins with it."""


class ModelUnavailable(LlamacliError):
    """The model cannot be had."""

    status = ExitStatus.NO_MODEL


class UnknownModel(ModelUnavailable):
    """Neither a preset, nor a directory, nor a repository of the hub."""


class GatedModel(ModelUnavailable):
    """The hub has it, for those who accepted its licence."""


class BadToken(ModelUnavailable):
    """The hub does not know the token."""


class ModelNotOnDisk(ModelUnavailable):
    """It would have to be downloaded, and the network may not, or cannot, be used."""


class EngineFailed(LlamacliError):
    """The model or the machine failed while loading or answering."""


class OutOfMemory(EngineFailed):
    """The card, or the machine, has no memory left."""


class BrokenModel(EngineFailed):
    """The model's files cannot be read or do not fit together."""


class HistoryFailed(LlamacliError):
    """The saved conversations cannot be read or written."""


class Interrupted(LlamacliError):
    """The person pressed Ctrl-C."""

    status = ExitStatus.INTERRUPTED
