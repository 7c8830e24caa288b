"""What `doctor` says: checks to lines for people, or to what becomes JSON."""

import textwrap
from collections.abc import Iterator

from llamacli.doctor import Check, Diagnosis


def doctor_text(diagnosis: Diagnosis, columns: int) -> str:
    """A line for each check, its remedy below it, wrapped to so many columns."""
    width = max(len(check.id) for check in diagnosis.checks)
    return "\n".join(line for check in diagnosis.checks for line in _lines(check, width, columns))


def _lines(check: Check, width: int, columns: int) -> Iterator[str]:
    indent = " " * (len("warn  ") + width + 2)
    yield _wrapped(f"{check.status:<4}  {check.id:<{width}}  ", check.finding, indent, columns)
    if check.remedy:
        yield _wrapped(f"{indent}-> ", check.remedy, f"{indent}   ", columns)


def _wrapped(start: str, text: str, indent: str, columns: int) -> str:
    return textwrap.fill(
        text,
        max(columns, len(indent) + 20),
        initial_indent=start,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def doctor_json(diagnosis: Diagnosis) -> dict[str, object]:
    """The object of `doctor --json`."""
    checks = [
        {"id": check.id, "status": check.status.value, "finding": check.finding, "remedy": check.remedy or None}
        for check in diagnosis.checks
    ]
    return {"schema": 1, "can_run": diagnosis.can_run, "checks": checks}
