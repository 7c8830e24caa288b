"""The models that ship with the package, and the code and corpus that they are made from."""

from pathlib import Path

MODEL_DIR = Path(__file__).parent / "model"
CLASSIFIER_DIR = Path(__file__).parent / "classifier"
