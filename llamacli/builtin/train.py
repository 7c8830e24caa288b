"""Makes the built-in models again: `python -m llamacli.builtin.train [chat|classifier|all] [--smoke] [--out DIR]`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from llamacli.builtin import CLASSIFIER_DIR, MODEL_DIR
from llamacli.builtin.chat import training as chat_training
from llamacli.builtin.rating import training as classifier_training

SEED = 20261122


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains what is named. Without `--out` the shipped models are replaced; a smoke run never replaces them."""
    parser = argparse.ArgumentParser(description="Train the built-in models of llamacli.")
    parser.add_argument("what", nargs="?", choices=["chat", "classifier", "all"], default="all")
    parser.add_argument("--smoke", action="store_true", help="a tiny model in seconds, to see that everything runs")
    parser.add_argument("--out", type=Path, help="the directory for model/ and classifier/ (default: the package)")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args(arguments)
    if options.smoke and not options.out:
        parser.error("--smoke needs --out: it must not replace the shipped models")
    if options.what in ("chat", "all"):
        out = options.out / "model" if options.out else MODEL_DIR
        chat_training.train(out, seed=options.seed, smoke=options.smoke)
    if options.what in ("classifier", "all"):
        out = options.out / "classifier" if options.out else CLASSIFIER_DIR
        classifier_training.train(out, seed=options.seed, smoke=options.smoke)


if __name__ == "__main__":
    main()
