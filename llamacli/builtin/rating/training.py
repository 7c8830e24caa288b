"""Trains the built-in complexity classifier from nothing: tokenizer, encoder, temperature, model card."""

import json
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor
from torch.nn import functional
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from llamacli.builtin.rating.data import CORPUS, POSITIONS, Example, cut, examples, read_prompts
from llamacli.builtin.rating.evaluation import evaluate, model_card
from llamacli.builtin.rating.shapes import LABELS

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
PAD, UNKNOWN, FIRST, LAST = range(4)


@dataclass(frozen=True)
class Recipe:
    """Sizes of the model and of the run."""

    prompts: int = 300_000
    epochs: int = 2
    batch: int = 256
    learning_rate: float = 1.5e-3
    vocabulary: int = 6144
    hidden: int = 160
    layers: int = 3
    dropout: float = 0.1
    word_dropout: float = 0.05
    smoothing: float = 0.02


SMOKE = Recipe(prompts=6_000, epochs=2, batch=32, learning_rate=1.5e-3, vocabulary=1024, hidden=64, layers=1)


def train(out: Path, *, seed: int, smoke: bool) -> None:
    """Train the classifier and save it, with tokenizer and model card, in `out`; `smoke` takes seconds."""
    recipe = SMOKE if smoke else Recipe()
    random.seed(seed)
    torch.manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    drawn = examples(seed, recipe.prompts, processes=os.cpu_count() or 1)
    prompts = [each for each in drawn if not smoke or len(each.text) < 120]
    tokenizer = train_tokenizer([each.text for each in islice(prompts, 60_000)], recipe.vocabulary)
    model = new_model(recipe, tokenizer.get_vocab_size())
    torch.nn.Module.to(model, device)
    ids = [cut(encoding.ids) for encoding in tokenizer.encode_batch([each.text for each in prompts])]
    fit(model, ids, [each.label for each in prompts], recipe, seed, device)
    model.float().cpu().eval()
    development = read_prompts(CORPUS / "development.tsv")
    soften(model, tokenizer, development)
    save(model, tokenizer, out)
    card = model_card(evaluate(out), parameters=model.num_parameters(), seed=seed, prompts=len(prompts))
    (out / "README.md").write_text(card, encoding="utf-8")


def train_tokenizer(texts: Sequence[str], vocabulary: int) -> Tokenizer:
    """A byte-level BPE without case, its digits apart, so that 90 words and 900 words are told by length."""
    tokenizer = Tokenizer(models.BPE(unk_token=None))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=True)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=SPECIALS, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", FIRST), ("[SEP]", LAST)]
    )
    return tokenizer


def new_model(recipe: Recipe, vocabulary: int) -> BertForSequenceClassification:
    """An untrained encoder with the three labels."""
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=recipe.hidden,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.hidden // 32,
        intermediate_size=recipe.hidden * 3,
        max_position_embeddings=POSITIONS,
        hidden_dropout_prob=recipe.dropout,
        attention_probs_dropout_prob=recipe.dropout,
        type_vocab_size=1,
        pad_token_id=PAD,
        id2label=dict(enumerate(LABELS)),
        label2id={name: index for index, name in enumerate(LABELS)},
        dtype="float32",
    )
    return BertForSequenceClassification(config)


def batches(lengths: Sequence[int], size: int, rng: random.Random) -> Iterator[list[int]]:
    """Every index once, prompts of like length together, in an order that knows nothing of the length."""
    order = list(range(len(lengths)))
    rng.shuffle(order)
    found = []
    for start in range(0, len(order), size * 50):
        pool = sorted(order[start : start + size * 50], key=lengths.__getitem__)
        found += [pool[begin : begin + size] for begin in range(0, len(pool), size)]
    rng.shuffle(found)
    yield from found


def pad(rows: Sequence[Sequence[int]]) -> Tensor:
    """Token ids as a tensor [rows, longest row], filled up with the padding token."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[PAD] * (longest - len(row))] for row in rows])


def fit(
    model: BertForSequenceClassification,
    ids: Sequence[Sequence[int]],
    labels: Sequence[int],
    recipe: Recipe,
    seed: int,
    device: torch.device,
) -> None:
    """AdamW with a one-cycle rate; words are lost at random, lest single ones decide."""
    rng, targets, lengths = random.Random(seed), torch.tensor(labels), [len(row) for row in ids]
    steps = recipe.epochs * -(-len(ids) // recipe.batch)
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, weight_decay=0.05, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=steps + 1, pct_start=0.1
    )
    order = (batch for _ in range(recipe.epochs) for batch in batches(lengths, recipe.batch, rng))
    model.train()
    for step, chosen in enumerate(order):
        tokens = pad([ids[index] for index in chosen]).to(device)
        mask = tokens != PAD
        lost = (torch.rand(tokens.shape, device=device) < recipe.word_dropout) & (tokens > LAST)
        logits = model(tokens.masked_fill(lost, UNKNOWN), attention_mask=mask).logits
        loss = functional.cross_entropy(logits, targets[chosen].to(device), label_smoothing=recipe.smoothing)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 200 == 0:
            print(f"classifier step {step}/{steps} loss {loss.item():.3f}", flush=True)


@torch.inference_mode()
def soften(model: BertForSequenceClassification, tokenizer: Tokenizer, prompts: Sequence[Example]) -> None:
    """Divide the head by the temperature that fits `prompts` best (Guo et al. 2017, arXiv 1706.04599)."""
    rows = [torch.tensor([cut(tokenizer.encode(each.text).ids)]) for each in prompts]
    logits = torch.cat([model(row).logits for row in rows])
    targets = torch.tensor([each.label for each in prompts])
    temperatures = torch.linspace(0.5, 4.0, 71)
    losses = torch.stack([functional.cross_entropy(logits / each, targets) for each in temperatures])
    for parameter in model.classifier.parameters():
        parameter.div_(temperatures[losses.argmin()])


def save(model: BertForSequenceClassification, tokenizer: Tokenizer, out: Path) -> None:
    """Write half-precision weights, configuration and tokenizer; what is loaded without a wish is float32."""
    model.half().save_pretrained(out)
    model.float()
    configuration = json.loads((out / "config.json").read_text(encoding="utf-8"))
    (out / "config.json").write_text(json.dumps(configuration | {"dtype": "float32"}, indent=2), encoding="utf-8")
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=POSITIONS,
        **dict(zip(("pad_token", "unk_token", "cls_token", "sep_token"), SPECIALS, strict=True)),
        model_input_names=["input_ids", "attention_mask"],
    )
    wrapped.save_pretrained(out)
    compact = json.loads((out / "tokenizer.json").read_text(encoding="utf-8"))
    compact["model"]["merges"] = [" ".join(pair) for pair in compact["model"]["merges"]]
    text = json.dumps(compact, ensure_ascii=False, separators=(",", ":"))
    (out / "tokenizer.json").write_text(text, encoding="utf-8")
