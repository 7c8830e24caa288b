"""Saved conversations, in one SQLite file."""

from llamacli.history.database import FILE_NAME, TYPED_NAME
from llamacli.history.recording import Recording
from llamacli.history.store import History
from llamacli.history.values import Entry, Found, Saved, Summary

__all__ = ["FILE_NAME", "TYPED_NAME", "Entry", "Found", "History", "Recording", "Saved", "Summary"]
