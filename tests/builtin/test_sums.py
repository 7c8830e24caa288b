"""Sums of several steps, of parts of numbers, of times, and small questions about numbers."""

import re
from fractions import Fraction
from random import Random

import pytest

from llamacli.builtin.chat.arithmetic import KNOWN, sum_question
from llamacli.builtin.chat.chains import CHAINS, KNOWN_CHAINS, chain_question, told
from llamacli.builtin.chat.clock import DAYS, clock_question, hour
from llamacli.builtin.chat.conversions import EXACT
from llamacli.builtin.chat.named_sums import named_question
from llamacli.builtin.chat.puzzles import claim, puzzle_question
from llamacli.builtin.chat.shares import SHARES, decimal, divided
from llamacli.builtin.chat.signed import DECIMALS, decimal_sum, signed_question
from llamacli.builtin.chat.topics import Corpus, load_corpus
from llamacli.builtin.chat.worded_conversions import height, worded_conversion


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_corpus()


def told_steps(answer: str) -> list[tuple[str, str]]:
    """The steps of an answer such as `12 + 7 is 19, and 19 + 5 is 24.`"""
    return re.findall(r"([\d.]+ [-+*/] [\d.]+) is (-?[\d.]*\d)", answer)


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("12 + 7 + 5", "12 + 7 is 19, and 19 + 5 is 24."),
        ("1 + 2 + 3 + 4", "1 + 2 is 3, 3 + 3 is 6, and 6 + 4 is 10."),
        ("2 + 3 * 4", "3 * 4 is 12, and 2 + 12 is 14."),
        ("(2 + 3) * 4", "2 + 3 is 5, and 5 * 4 is 20."),
        ("(2 + 3 + 4) / 3", "2 + 3 is 5, 5 + 4 is 9, and 9 / 3 is 3."),
    ],
)
def test_a_sum_of_several_steps_tells_each(code: str, answer: str) -> None:
    assert told(code) == answer


def test_each_step_of_every_form_is_right_and_known_and_the_last_is_the_result() -> None:
    for code in sorted(KNOWN_CHAINS)[::101]:
        steps = told_steps(told(code))
        assert all(eval(step) == int(result) for step, result in steps), code
        assert int(steps[-1][1]) == eval(code), code
        assert all(int(result) >= 0 for _, result in steps), code
        assert all(step in KNOWN for step, _ in steps), code


def test_a_chain_has_the_numbers_of_its_question_in_its_steps(corpus: Corpus) -> None:
    rng = Random(1)
    assert all(f"chain {name}" in corpus.lists for name in CHAINS)
    for _ in range(1500):
        question, answer = chain_question(corpus, rng)
        assert not re.search(r"[{}]", question), question
        numbers = re.findall(r"\d+", question)
        assert set(numbers) <= {*re.findall(r"\d+", answer), "2", "3"}, (question, answer)


def test_percentages_off_and_on_fractions_and_remainders_are_right(corpus: Corpus) -> None:
    rng = Random(2)
    assert all(f"named {name}" in corpus.lists for name in SHARES)
    for _, make in SHARES.values():
        for _ in range(200):
            _, answer = make(rng)
            for step, result in told_steps(answer):
                about = 0.006 if "about" in answer else 1e-9
                assert eval(step) == pytest.approx(float(result), abs=about), answer
            if equal := re.fullmatch(r"(\d+/\d+) is (\d+/\d+)\.", answer):
                assert Fraction(equal[1]) == Fraction(equal[2]), answer
            if product := re.search(r"(\d+) is (\d+ \* \d+(?: \+ \d+)?)", answer):
                assert int(product[1]) == eval(product[2]), answer


def test_fractions_are_added_and_taken_exactly() -> None:
    rng = Random(3)
    for name, sign in (("fractions plus", 1), ("fractions minus", -1)):
        for _ in range(200):
            _, answer = SHARES[name][1](rng)
            a, b, result = (Fraction(text) for text in re.findall(r"\d+(?:/\d+)?", answer))
            assert a + sign * b == result, answer


def test_decimals_divisions_and_their_rests_are_told() -> None:
    assert [decimal(7, 2), decimal(1, 8), decimal(10, 3)] == [
        "7 / 2 is 3.5.",
        "1 / 8 is 0.125.",
        "10 / 3 is about 3.33.",
    ]
    assert (divided(17, 5), divided(15, 5)) == ("17 is 3 * 5 + 2", "15 is 3 * 5")
    assert decimal_sum(1, "+", 2) == "0.1 + 0.2 is 0.3."
    for a, sign, b in DECIMALS:
        step, result = re.fullmatch(r"(.+) is (.+)\.", decimal_sum(a, sign, b)).groups()  # type: ignore[union-attr]
        assert eval(step) == pytest.approx(float(result))


def test_negative_numbers_are_counted_with(corpus: Corpus) -> None:
    rng = Random(4)
    seen = 0
    for _ in range(500):
        question, answer = signed_question(corpus, rng)
        assert not re.search(r"[{}]", question), question
        if " = " in answer:
            left, result = answer.split(" = ")
            seen += eval(left) == int(result)
        else:
            seen += re.fullmatch(r"[\d.]+ [-+*] [\d.]+ is [\d.]*\d\.", answer) is not None
    assert seen == 500


def test_days_and_hours_go_round(corpus: Corpus) -> None:
    assert [hour(0), hour(11), hour(12), hour(25)] == ["12 am", "11 am", "12 pm", "1 am"]
    rng = Random(5)
    kinds = set()
    for _ in range(1500):
        question, answer = clock_question(corpus, rng)
        assert not re.search(r"[{}]", question), question
        if days := re.fullmatch(r"(\d+) days (after|before) (\w+day) is (\w+)\.", answer):
            steps = int(days[1]) if days[2] == "after" else -int(days[1])
            assert DAYS[(DAYS.index(days[3]) + steps) % 7] == days[4], answer
            kinds.add(days[2])
        elif split := re.fullmatch(r"(\d+) minutes is (\d+) hours?(?: and (\d+) minutes?)?\.", answer):
            assert int(split[1]) == 60 * int(split[2]) + int(split[3] or 0), answer
            kinds.add("split")
        elif joined := re.fullmatch(r".+, and (\d+) \+ (\d+) is (\d+) minutes\.", answer):
            assert int(joined[1]) + int(joined[2]) == int(joined[3]), answer
            kinds.add("joined")
    assert kinds == {"after", "before", "split", "joined"}


def test_a_missing_number_a_claim_and_a_row_are_answered_rightly(corpus: Corpus) -> None:
    assert claim(2, "+", 2, 5) == "No, 2 + 2 is 4."
    assert claim(3, "*", 4, 12) == "Yes, 3 * 4 is 12."
    rng = Random(6)
    for _ in range(1500):
        question, answer = puzzle_question(corpus, rng)
        assert not re.search(r"[{}]", question), question
        for step in answer.split(": ") if " = " in answer else ():
            left, result = step.split(" = ")
            assert eval(left) == int(result), answer
        if row := re.fullmatch(r"Always (\d+) (more|less): next comes (\d+)\.", answer):
            before = re.findall(r"\d+", question)[-1]
            assert int(row[3]) - int(before) == int(row[1]) * (1 if row[2] == "more" else -1), (question, answer)
        if said := re.fullmatch(r"(Yes|No), (\d+ [-+*] \d+) is (\d+)\.", answer):
            assert eval(said[2]) == int(said[3])
            told_right = sorted([*re.findall(r"\d+", said[2]), said[3]]) == sorted(re.findall(r"\d+", question))
            assert (said[1] == "Yes") == told_right, (question, answer)


def test_a_conversion_in_words_is_that_of_the_table(corpus: Corpus) -> None:
    assert height(5, 10) == "5 feet 10 inches is about 178 cm."
    assert height(6, 1) == "6 feet 1 inch is about 185 cm."
    hours = next(c for c in EXACT if (c.source, c.target) == ("hours", "minutes"))
    assert (hours.answer(0.5), hours.answer(1)) == ("0.5 hours is 30 minutes.", "1 hour is 60 minutes.")
    rng = Random(7)
    questions = [worded_conversion(corpus, rng)[0] for _ in range(1500)]
    assert not any(re.search(r"[{}]", question) for question in questions)
    assert any("half an hour" in question for question in questions)


def test_a_story_names_no_place_that_is_not_filled(corpus: Corpus) -> None:
    rng = Random(8)
    for make in (sum_question, named_question):
        assert not [pair for pair in (make(corpus, rng) for _ in range(2000)) if re.search(r"\{|\}", pair[0])]
