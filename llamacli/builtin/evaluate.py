"""Rates the built-in models: `python -m llamacli.builtin.evaluate [chat|classifier|all] [--dir DIR]`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from llamacli.builtin import CLASSIFIER_DIR, MODEL_DIR
from llamacli.builtin.chat import evaluation as chat_evaluation
from llamacli.builtin.rating import evaluation as classifier_evaluation


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a table of scores for each model named."""
    parser = argparse.ArgumentParser(description="Rate the built-in models of llamacli on held-out questions.")
    parser.add_argument("what", nargs="?", choices=["chat", "classifier", "all"], default="all")
    parser.add_argument("--dir", type=Path, help="the directory of model/ and classifier/ (default: the package)")
    options = parser.parse_args(arguments)
    model, classifier = (
        (options.dir / "model", options.dir / "classifier") if options.dir else (MODEL_DIR, CLASSIFIER_DIR)
    )
    tables = {}
    if options.what in ("chat", "all"):
        tables["chat"] = chat_evaluation.evaluate(model)
    if options.what in ("classifier", "all"):
        tables["classifier"] = classifier_evaluation.evaluate(classifier)
    for name, table in tables.items():
        print(name)
        for score, value in table.items():
            print(f"  {score:24} {value:.3f}")


if __name__ == "__main__":
    main()
