"""What the server's owner decides, and where the server says what happens."""

import logging
from dataclasses import dataclass

log = logging.getLogger("llamacli.server")
"""What happens: a line for each request, without its body, its query and its headers."""

LONGEST_BODY = 8 * 2**20
"""Bytes of a request: more than the window of any model that is served here can hold."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may ask, and how much.

    token     what llamacli itself shows, from the private run file
    keys      other tokens that are accepted; with `open_here` a caller on this machine needs none
    allow     address ranges that may ask beside this machine; none means all of them
    origins   web pages that may ask
    hosts     names by which the server may be addressed; none means all of them
    """

    token: str = ""
    keys: frozenset[str] = frozenset()
    open_here: bool = True
    allow: tuple[str, ...] = ()
    origins: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    longest_body: int = LONGEST_BODY
    longest_queue: int = 64
