"""Many clients at once; `python -m tests.server.measure load` does it with fifty for a minute."""

import json
from pathlib import Path

from tests.server.conftest import Start, run_file
from tests.server.measure import load


def test_nobody_is_lost_and_nothing_is_mixed_up(start: Start, tmp_path: Path) -> None:
    start("--queue", "5")
    told = load(tmp_path, json.loads(run_file(tmp_path).read_text())["url"], clients=12, seconds=2)
    assert set(told["requests"]) == {"answered", "refused", "left"}
    assert told["running_after"] == 0
    assert told["grown_mib"] < 50
