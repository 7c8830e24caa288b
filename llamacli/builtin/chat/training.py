"""Trains the built-in chat model: from its corpus to a directory that `from_pretrained` loads."""

import json
import os
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

from llamacli.builtin.chat.card import write_card
from llamacli.builtin.chat.data import example
from llamacli.builtin.chat.packing import ANSWER, QUESTION, Order, Rows, joined, stream
from llamacli.builtin.chat.storage import QUANTIZATION, stored_weights
from llamacli.builtin.chat.team import Team
from llamacli.builtin.chat.tokenizer import BOS, CONTEXT, EOS, EOT, PAD, as_pretrained, train_tokenizer
from llamacli.builtin.chat.topics import load_corpus

PARTS = 2
"""Parts of the rows of a step: as many cards, or a divisor, can share the work, over the same data."""
REPETITION_PENALTY = 1.21  # the default with which the model will be decoded


@dataclass(frozen=True)
class Plan:
    """The size of the model and of its training. A step reads `rows` rows of `length` tokens.

    After two fifths of the steps every `long_every`th reads `long_rows` rows of `long_length` tokens instead.
    """

    vocabulary: int = 4096
    hidden: int = 448
    layers: int = 8
    inner: int = 864
    heads: int = 7
    samples: int = 40_000
    rows: int = 192
    length: int = 512
    steps: int = 49_315
    long_rows: int = 8
    long_length: int = CONTEXT
    long_every: int = 16
    rate: float = 1.6e-3
    dropout: float = 0.1
    """Of what each half of a layer adds; the wordings of the corpus come by some two hundred times."""
    questions: float = 0.2
    """Weight of the loss on what users say, beside that on the answers: so words that occur alike become alike."""

    def is_long(self, step: int) -> bool:
        """Whether a step reads long documents."""
        return step * 5 >= self.steps * 2 and step % self.long_every == 0

    def tokens(self, step: int) -> int:
        """The tokens that a step reads."""
        return self.long_rows * self.long_length if self.is_long(step) else self.rows * self.length


SMOKE = Plan(600, 64, 2, 128, 1, 300, 4, 192, 41, 2, 512, 16, 6e-3, 0.0, 0.0)


def train(out: Path, *, seed: int, smoke: bool, plan: Plan | None = None) -> list[float]:
    """Trains a model and saves it with its tokenizer to `out`; returns the loss of each step."""
    plan = plan or (SMOKE if smoke else Plan())
    team = Team.of_environment()
    torch.manual_seed(seed)
    tokenizer = _make_tokenizer(plan, seed)
    model = LlamaForCausalLM(_configuration(plan, tokenizer))
    torch.nn.Module.to(model, team.device)
    workers = 0 if smoke else max(1, (os.cpu_count() or 2) // team.size - 1)
    losses = _Trainer(model, plan, seed, team).run(tokenizer, workers)
    if team.rank == 0:
        save(model, tokenizer, out)
    if not smoke and team.rank == 0:
        tokens = sum(plan.tokens(step) for step in range(plan.steps))
        hardware = f"{team.size} x {torch.cuda.get_device_name()}" if team.device.type == "cuda" else "a CPU"
        write_card(out, parameters=model.num_parameters(), seed=seed, tokens=tokens, hardware=hardware)
    return losses


def _make_tokenizer(plan: Plan, seed: int) -> Tokenizer:
    corpus, rng = load_corpus(), Random(seed)
    messages = (message for _ in range(plan.samples) for message in example(corpus, rng))
    # The roles are among the texts, so that each becomes one token.
    return train_tokenizer(
        (text for message in messages for text in (message["role"], message["content"])), plan.vocabulary
    )


def _configuration(plan: Plan, tokenizer: Tokenizer) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=plan.vocabulary,
        hidden_size=plan.hidden,
        num_hidden_layers=plan.layers,
        intermediate_size=plan.inner,
        num_attention_heads=plan.heads,
        num_key_value_heads=plan.heads,
        max_position_embeddings=CONTEXT,
        rope_parameters={"rope_type": "default", "rope_theta": 100_000.0},
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.token_to_id(BOS),
        eos_token_id=[number for token in (EOT, EOS) if (number := tokenizer.token_to_id(token)) is not None],
        pad_token_id=tokenizer.token_to_id(PAD),
    )


def penalized(logits: Tensor, first_seen: Tensor, position: Tensor) -> Tensor:
    """The repetition penalty as decoding applies it: on every token that occurs at or before `position`.

    `logits` and `first_seen` are (answers, vocabulary), `position` is (answers,).
    """
    seen = first_seen <= position[:, None]
    return torch.where(seen, torch.where(logits > 0, logits / REPETITION_PENALTY, logits * REPETITION_PENALTY), logits)


def first_occurrence(tokens: Tensor, conversation: Tensor, vocabulary: int) -> tuple[Tensor, Tensor]:
    """For each conversation of a batch and each token, the first place where it stands (a large number for nowhere).

    Returns the table and, for each place of the batch (rows, length), the row of the table that belongs to it.
    """
    rows, length = tokens.shape
    per_row = int(torch.where(conversation == 255, 0, conversation).max()) + 2
    index = conversation.clamp(max=per_row - 1) + per_row * torch.arange(rows, device=tokens.device)[:, None]
    table = torch.full((rows * per_row * vocabulary,), length, dtype=torch.int32, device=tokens.device)
    places = torch.arange(length, dtype=torch.int32, device=tokens.device).expand(rows, length)
    table.scatter_reduce_(0, (index * vocabulary + tokens).flatten(), places.flatten(), "amin")
    return table.view(-1, vocabulary), index


class _Trainer:
    """AdamW with warm-up and a linear decay over the last two fifths; bfloat16 where there is a GPU."""

    def __init__(self, model: LlamaForCausalLM, plan: Plan, seed: int, team: Team) -> None:
        self.model, self.plan, self.seed, self.team = model, plan, seed, team
        self.device = model.device
        self.rng = Random(seed)
        self.total = plan.steps
        decayed = [p for p in model.parameters() if p.dim() > 1]
        plain = [p for p in model.parameters() if p.dim() == 1]
        groups = [{"params": decayed, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=plan.rate, betas=(0.9, 0.95), fused=self.device.type == "cuda")
        _drop(model, plan.dropout)
        if self.device.type == "cuda":
            for layer in model.model.layers:  # all layers share one compiled graph
                layer.compile(dynamic=False)

    def run(self, tokenizer: Tokenizer, workers: int) -> list[float]:
        """Every step of the plan."""
        losses: list[Tensor] = []
        started = time.monotonic()
        torch.manual_seed(self.seed + self.team.rank)  # each leaves out other parts
        rows = stream(self._orders(), tokenizer, workers)
        for step in range(self.total):
            losses.append(self.step(step, joined(islice(rows, PARTS // self.team.size))))
            if step % 100 == 0:
                print(f"step {step} loss {losses[-1].item():.4f} {time.monotonic() - started:.0f} s", flush=True)
        return [loss.item() for loss in losses]

    def _orders(self) -> list[Order]:
        """This member's parts of every step."""
        plan, own = self.plan, range(self.team.rank, PARTS, self.team.size)
        return [
            Order(self.seed, step * PARTS + part, plan.long_rows // PARTS, plan.long_length, True)
            if plan.is_long(step)
            else Order(self.seed, step * PARTS + part, plan.rows // PARTS, plan.length, False)
            for step in range(self.total)
            for part in own
        ]

    def rate(self, step: int) -> float:
        warm_up, decay = max(1, self.total // 40), max(1, self.total * 2 // 5)
        return self.plan.rate * min((step + 1) / warm_up, (self.total - step) / decay, 1.0)

    def step(self, step: int, rows: Rows) -> Tensor:
        """One update; returns the loss, still on the device."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate(step)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            tokens, parts, states, owner = self._states(rows)
            logits, targets = self._predicted(states, tokens, parts == ANSWER)
            if step > self.total // 4 and self.rng.random() < 0.9:
                table, index = first_occurrence(tokens, owner, self.plan.vocabulary)
                learned = parts[:, 1:] == ANSWER
                position = torch.arange(tokens.shape[1] - 1, device=self.device).expand_as(learned)[learned]
                logits = penalized(logits, table[index[:, :-1][learned]], position)
            loss = functional.cross_entropy(logits, targets)
            if self.plan.questions:
                asked, words = self._predicted(states, tokens, parts == QUESTION)
                loss = loss + self.plan.questions * functional.cross_entropy(asked, words, reduction="sum") / max(
                    1, len(words)
                )
        loss.backward()  # type: ignore[no-untyped-call]
        self.team.average(self.model)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.detach()

    def _states(self, rows: Rows) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Tokens, what each is, the states after each, and the conversation of each."""
        tokens = torch.from_numpy(rows.tokens.astype("int64")).to(self.device)
        owner = torch.from_numpy(rows.conversation.astype("int64")).to(self.device)
        length = tokens.shape[1]
        causal = torch.ones(length, length, dtype=torch.bool, device=self.device).tril()
        mask = (owner[:, None, :, None] == owner[:, None, None, :]) & causal
        states = self.model.model(input_ids=tokens, attention_mask=mask, use_cache=False).last_hidden_state
        return tokens, torch.from_numpy(rows.part).to(self.device), states, owner

    def _predicted(self, states: Tensor, tokens: Tensor, which: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and the tokens that they should give, for those tokens that are marked."""
        marked = which[:, 1:]
        return self.model.lm_head(states[:, :-1][marked]).float(), tokens[:, 1:][marked]


def _drop(model: LlamaForCausalLM, share: float) -> None:
    """Leave out, while training, that share of what attention and the inner layer add."""

    def dropped(module: torch.nn.Module, _: object, output: Tensor) -> Tensor:
        return functional.dropout(output, share, module.training)

    if share:
        for layer in model.model.layers:
            layer.self_attn.o_proj.register_forward_hook(dropped)
            layer.mlp.down_proj.register_forward_hook(dropped)


def save(model: LlamaForCausalLM, tokenizer: Tokenizer, out: Path) -> None:
    """Writes the directory: weights as `storage` has them, to be loaded in float32."""
    out.mkdir(parents=True, exist_ok=True)
    model.generation_config = GenerationConfig(
        bos_token_id=model.config.bos_token_id,
        eos_token_id=model.config.eos_token_id,
        pad_token_id=model.config.pad_token_id,
    )
    model.save_pretrained(out, state_dict=stored_weights(model))
    as_pretrained(tokenizer).save_pretrained(out)
    path = out / "config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings |= {"dtype": "float32", "quantization_config": QUANTIZATION}
    path.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
