"""The models that ship with the package, and how they were made.

model/  classifier/   the shipped models, as any model of the hub is laid out, with their cards
corpus/               what they learned from, and what they are rated on
chat/  rating/        the code that draws from the corpus, trains and rates: of the chat model, of the classifier
train.py              one command makes both again
evaluate.py           one command rates both
"""

from pathlib import Path

MODEL_DIR = Path(__file__).parent / "model"
CLASSIFIER_DIR = Path(__file__).parent / "classifier"
