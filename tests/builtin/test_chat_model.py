import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from llamacli.builtin import MODEL_DIR
from llamacli.builtin.chat.arithmetic import hard_question, sum_question
from llamacli.builtin.chat.data import example
from llamacli.builtin.chat.documents import asked_about, stated_question
from llamacli.builtin.chat.evaluation import HELD_OUT, Check, answer_all, read_checks, scores
from llamacli.builtin.chat.memory import conversation
from llamacli.builtin.chat.packing import ANSWER, Encoder, Order, make_rows
from llamacli.builtin.chat.patterns import ask
from llamacli.builtin.chat.texts import document
from llamacli.builtin.chat.tokenizer import CONTEXT, train_tokenizer
from llamacli.builtin.chat.topics import Corpus, load_corpus
from llamacli.builtin.chat.training import first_occurrence, penalized, train

Shipped = tuple[PreTrainedModel, PreTrainedTokenizerBase]
TEMPLATE_EXAMPLE = (
    "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\nhi<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n"
)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_corpus()


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """A model this small is faster on one thread, and other work may want the other cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def shipped() -> Shipped:
    model = AutoModelForCausalLM.from_pretrained(MODEL_DIR).float().eval()
    return model, AutoTokenizer.from_pretrained(MODEL_DIR)


def test_every_topic_has_questions_and_answers_without_open_slots(corpus: Corpus) -> None:
    rng = Random(1)
    for topic in (topic for topics in corpus.files.values() for topic in topics):
        for _ in range(20):
            question, answer = ask(topic, corpus, rng)
            assert question, topic.name
            assert answer, topic.name
            assert not any(mark in question for mark in "{}~"), f"{topic.name}: {question}"
            assert not any(mark in answer for mark in ("$$", "%%")), f"{topic.name}: {answer}"


def test_sums_are_right(corpus: Corpus) -> None:
    rng = Random(2)
    seen = 0
    for _ in range(500):
        answer = sum_question(corpus, rng)[1]
        for left, result in re.findall(r"([(-]*\d[\d ()+*/-]*) = (-?\d+)\b", answer):
            assert eval(left) == int(result), answer
            seen += 1
    assert seen > 200


def test_a_hard_sum_is_left_to_python_and_its_line_runs(corpus: Corpus) -> None:
    rng = Random(2)
    lines: list[str] = []
    while len(lines) < 40:
        question, answer = hard_question(corpus, rng)
        code = re.search(r'python3 -c "(.+)"', answer)
        if code and "**" not in code[1]:
            lines.append(code[1])
            assert all(number in question for number in re.findall(r"\d{4,}", code[1])), (question, answer)
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert len(done.stdout.split()) == len(lines)


def test_what_a_short_text_states_is_quoted_from_it(corpus: Corpus) -> None:
    rng = Random(6)
    for _ in range(300):
        prompt, answer = stated_question(corpus, rng)
        quoted = re.search(r'^The text says: "(.+)"\.$', answer)
        assert quoted is None or quoted[1] in prompt, (prompt, answer)


SAFE_TOPICS = [
    "self-harm",
    "sad",
    "tired",
    "violence",
    "never mix",
    "emergency",
    "dangerous",
    "medicine advice",
    "자해",
]


@pytest.mark.parametrize("name", SAFE_TOPICS)
def test_distress_and_danger_are_never_answered_with_a_command(corpus: Corpus, name: str) -> None:
    topic = next(topic for topic in corpus.files["care"] if topic.name == name)
    assert not any("$$" in answer or "llamacli" in answer or re.search(r"\d", answer) for answer in topic.answers)


def test_what_is_recalled_was_told_before(corpus: Corpus) -> None:
    rng = Random(3)
    for _ in range(300):
        turns = conversation(corpus, rng, lambda _: ("filler", "filler"))
        said = ""
        for question, answer in turns:
            for value in re.findall(r"(?:Your name is|You live in|The number is) ([^.]+)\.", answer):
                assert value in said, turns
            said += f" {question}"


def test_a_document_has_the_length_asked_for_and_its_question_last(corpus: Corpus) -> None:
    assert 2900 <= len(document(corpus, Random(4), 3000)) <= 3000
    prompt, _ = asked_about(corpus, Random(4), 500, lambda _: ("the question", "the answer"))
    assert "\n\n" in prompt


def test_the_training_stream_depends_on_its_seed_alone(corpus: Corpus) -> None:
    assert [example(corpus, Random(7)) for _ in range(2)] == [example(corpus, Random(7)) for _ in range(2)]
    assert example(corpus, Random(7)) != example(corpus, Random(8))


def test_rows_learn_the_answers_and_their_ends_only(corpus: Corpus) -> None:
    tokenizer = train_tokenizer(["how do i start a chat assistant user system"], 300)
    rows = make_rows(Order(seed=1, number=0, rows=2, length=512, long=False), Encoder(tokenizer))
    end = tokenizer.token_to_id("<|eot_id|>")
    learned = rows.tokens[rows.part == ANSWER]
    assert (learned == end).any()
    text = tokenizer.decode(rows.tokens[0][rows.part[0] == ANSWER].tolist(), skip_special_tokens=False)
    assert "<|start_header_id|>" not in text


def test_the_penalty_falls_on_what_was_seen_up_to_a_place() -> None:
    tokens = torch.tensor([[1, 2, 1, 3]])
    table, index = first_occurrence(tokens, torch.tensor([[0, 0, 1, 1]]), vocabulary=5)
    logits = torch.tensor([[1.21, -1.0, 1.21, 1.21, 1.21]])
    at_place_1 = penalized(logits, table[index[0, 1:2]], torch.tensor([1]))
    assert torch.allclose(at_place_1, torch.tensor([[1.21, -1.21, 1.0, 1.21, 1.21]]))
    at_place_3 = penalized(logits, table[index[0, 3:4]], torch.tensor([3]))
    assert torch.allclose(at_place_3, torch.tensor([[1.21, -1.21, 1.21, 1.0, 1.21]]))


def test_a_smoke_run_learns_and_saves_what_from_pretrained_loads(tmp_path: Path) -> None:
    losses = train(tmp_path, seed=1, smoke=True)
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])
    model, tokenizer = AutoModelForCausalLM.from_pretrained(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    model.float()  # what is no linear layer comes in float16
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": " hi "}]
    assert tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True) == TEMPLATE_EXAMPLE
    check = Check("smoke", turns=["hi"])
    answer_all(model, tokenizer, [check], sampled=True)
    assert len(check.answers) == 1


def test_the_shipped_model_is_small_and_whole(shipped: Shipped) -> None:
    model, tokenizer = shipped
    assert sum(path.stat().st_size for path in MODEL_DIR.iterdir()) <= 20_000_000
    assert model.config.max_position_embeddings == tokenizer.model_max_length == CONTEXT
    assert model.generation_config.eos_token_id == [
        tokenizer.convert_tokens_to_ids(t) for t in ("<|eot_id|>", "<|end_of_text|>")
    ]
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}]
    assert tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True) == TEMPLATE_EXAMPLE


ANSWERS = [
    (["which command starts a chat"], "llamacli chat"),
    (["12 times 7"], "84"),
    (["who are you"], "llamacli"),
    (["hi"], "Hello"),
    (["write a business plan"], "llama-3.1-8b"),
    (["안녕하세요"], "안녕하세요"),
    (["my name is Anna", "what is 2 + 2", "what is my name"], "Anna"),
    (["what is my name"], "not told"),
    (["10:00:01 INFO api is ready\n10:00:02 ERROR disk sdb is full\n\nwhat failed"], "disk sdb is full"),
]


@pytest.mark.parametrize("sampled", [False, True])
def test_the_shipped_model_answers(shipped: Shipped, sampled: bool) -> None:
    checks = [Check("shipped", turns=turns, must=[expected]) for turns, expected in ANSWERS]
    torch.manual_seed(0)
    answer_all(*shipped, checks, sampled=sampled)
    assert [check.answers[-1] for check in checks if not check.right] == []


def test_the_question_after_a_long_document_is_answered(shipped: Shipped, corpus: Corpus) -> None:
    question = f"{document(corpus, Random(9), 12_000)}\n\nwhich command starts a chat"
    check = Check("document", turns=[question], must=["llamacli chat"])
    answer_all(*shipped, [check], sampled=False)
    assert check.right, check.answers


def test_held_out_questions_are_read_and_scored() -> None:
    checks = read_checks(HELD_OUT)
    assert len(checks) > 100
    assert all(check.turns and (check.must or check.must_not) for check in checks)
    for check in checks:
        check.answers = ["llamacli chat"]
    assert 0 < scores(checks)["tool"] < 0.2
