import json
import subprocess
import sys
from typing import Any


def test_the_report_for_a_card_works_on_a_tiny_model() -> None:
    command = [sys.executable, "-m", "tests.engine.local.report_cuda", "--tiny", "--parts", "greedy"]
    done = subprocess.run(
        [*command, "--prompts", "2", "--tokens", "20"], capture_output=True, text=True, check=True, timeout=100
    )
    report: dict[str, dict[str, Any]] = {}
    for line in done.stdout.splitlines():
        report |= json.loads(line)
    for found in report["greedy"].values():
        assert found["equal"] + len(found["each"]) == 2
