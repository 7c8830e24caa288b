"""The facts, sums, conversions and small talk of the chat corpus."""

import re
from itertools import combinations
from random import Random

import pytest

from llamacli.builtin.chat.arithmetic import KNOWN, hard_question, sum_question
from llamacli.builtin.chat.conversions import (
    CELSIUS,
    EXACT,
    FAHRENHEIT,
    MEASURED,
    Conversion,
    celsius,
    conversion_question,
    fahrenheit,
)
from llamacli.builtin.chat.named_sums import ROMAN, named_question, part, prime
from llamacli.builtin.chat.number_words import in_words
from llamacli.builtin.chat.patterns import ask
from llamacli.builtin.chat.shares import PERCENTAGES
from llamacli.builtin.chat.topics import Corpus, load_corpus

# Lengths in metres, weights in grams, volumes in litres, times in seconds, speeds in km/h and data in bits.
SIZES = {
    "km": 1000, "m": 1, "cm": 0.01, "mm": 0.001, "miles": 1609.344, "feet": 0.3048, "inches": 0.0254, "yards": 0.9144,
    "kg": 1000, "g": 1, "tons": 1_000_000, "pounds": 453.59237, "ounces": 28.349523125, "stone": 6350.29318,
    "litres": 1, "ml": 0.001, "gallons": 3.785411784,
    "seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400, "weeks": 604_800, "months": 1, "years": 12,
    "decades": 120, "centuries": 1200, "km/h": 1, "mph": 1.609344, "bits": 1, "bytes": 8, "MB/s": 8, "Mbit/s": 1,
    "mg": 0.001, "cups": 0.2365882365, "acres": 4046.8564224, "hectares": 10_000, "square metres": 1,
    "square feet": 0.09290304, "knots": 1.852, "tablespoons": 3, "teaspoons": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_corpus()


@pytest.mark.parametrize("conversion", [*MEASURED, *EXACT], ids=lambda c: f"{c.source} to {c.target}")
def test_a_conversion_is_right_for_every_number_of_its_table(conversion: Conversion) -> None:
    if (conversion.source, conversion.target) in {("years", "days"), ("days", "years")}:
        ratio = 365.0 if conversion.source == "years" else 1 / 365
    else:
        ratio = SIZES[conversion.source] / SIZES[conversion.target]
    for number in conversion.numbers:
        told = float(conversion.result(number))
        assert told == pytest.approx(number * ratio, rel=1e-9 if conversion.exact else 6e-3), conversion.answer(number)


@pytest.mark.parametrize("conversion", [*MEASURED, *EXACT], ids=lambda c: f"{c.source} to {c.target}")
def test_the_line_of_a_conversion_computes_the_same(conversion: Conversion) -> None:
    code = re.search(r'print\((.+)\)"', conversion.line("37"))
    assert code
    assert eval(code[1]) == pytest.approx(float(conversion.result(37)), rel=6e-3)


def test_temperatures_are_right_and_agree_both_ways() -> None:
    assert fahrenheit(100) == "100 °C is 212 °F."
    assert fahrenheit(-40) == "-40 °C is -40 °F."
    assert fahrenheit(37) == "37 °C is about 99 °F."
    assert celsius(98) == "98 °F is about 37 °C."
    for degrees in CELSIUS:
        told = int(fahrenheit(degrees).removesuffix(" °F.").split()[-1])
        assert abs((told - 32) * 5 / 9 - degrees) <= 0.3
    for degrees in FAHRENHEIT:
        told = int(celsius(degrees).removesuffix(" °C.").split()[-1])
        assert abs(told * 9 / 5 + 32 - degrees) <= 0.9


def test_a_conversion_keeps_its_number_and_its_line_runs(corpus: Corpus) -> None:
    rng = Random(1)
    seen = 0
    for _ in range(800):
        question, answer = conversion_question(corpus, rng)
        assert not re.search(r"[{}]", question), question
        code = re.search(r'print\((.+)\)"', answer)
        number = re.search(r"-?\d+(\.\d+)?", question)
        assert number
        assert number[0] in (code[1] if code else answer), (question, answer)
        if code:
            seen += 1
            assert eval(code[1])
    assert seen > 100


def test_bytes_are_told_in_steps_of_1000_and_of_1024(corpus: Corpus) -> None:
    rng = Random(2)
    told = [conversion_question(corpus, rng)[1] for _ in range(2000)]
    both = [re.fullmatch(r"(\d+) \w+ is (\d+) \w+, or (\d+) in steps of 1024\.", answer) for answer in told]
    found = [match for match in both if match]
    assert len(found) > 50
    assert all(int(m[2]) == 1000 * int(m[1]) and int(m[3]) == 1024 * int(m[1]) for m in found)


def test_halves_percentages_primes_and_numerals_are_right() -> None:
    assert part("half", 7) == "Half of 7 is 3.5."
    assert part("quarter", 60) == "A quarter of 60 is 15."
    assert all(result * 100 == percent * number for percent, number, result in PERCENTAGES)
    said = [number for number in range(1, 51) if prime(number).startswith("Yes")]
    assert said == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47]
    assert prime(49) == "No, 49 is 7 * 7, so it is not a prime number."
    assert [ROMAN[4], ROMAN[9], ROMAN[500]] == ["IV", "IX", "D"]
    written = [in_words(40), in_words(121), in_words(99, " ")]
    assert written == ["forty", "one hundred and twenty-one", "ninety nine"]


def test_a_named_sum_answers_the_numbers_of_its_question(corpus: Corpus) -> None:
    rng = Random(3)
    for _ in range(1500):
        question, answer = named_question(corpus, rng)
        assert not re.search(r"[{}]", question), question
        if " = " in answer:
            left, right = answer.split(" = ")
            assert eval(left) == int(right), answer
        if root := re.fullmatch(r"The square root of (\d+) is (\d+)\.", answer):
            assert int(root[2]) ** 2 == int(root[1])
            number = int(root[1])
            assert any(written in question for written in (str(number), in_words(number), in_words(number, " ")))


def test_no_sum_that_the_model_knows_is_left_to_python(corpus: Corpus) -> None:
    rng = Random(4)
    for _ in range(3000):
        code = re.search(r'print\((.+)\)"', hard_question(corpus, rng)[1])
        assert code is None or code[1] not in KNOWN
    for code_known in sorted(KNOWN)[::97]:
        assert eval(code_known) is not None


def test_a_story_asks_of_at_least_two_and_ends_in_its_result(corpus: Corpus) -> None:
    rng = Random(5)
    stories = [pair for pair in (sum_question(corpus, rng) for _ in range(4000)) if re.search(r"\bhow|\bwhat", pair[0])]
    told = [(q, a) for q, a in stories if re.fullmatch(r"(You|There|Each|Together|Tom|\d+) ?[^=]*\d*[^=]*\.", a)]
    assert len(told) > 100
    assert not any(re.search(r"\b[01] (are left|dollars)", answer) for _, answer in told)


def _wordings(corpus: Corpus, stems: tuple[str, ...], rounds: int) -> dict[str, set[str]]:
    """Questions that each topic can be asked in, a few hundred draws each."""
    rng = Random(6)
    found: dict[str, set[str]] = {}
    for stem in stems:
        for topic in corpus.files[stem]:
            asked = {ask(topic, corpus, rng)[0].lower() for _ in range(rounds)}
            found[f"{stem}/{topic.name}"] = asked
    return found


def test_no_question_belongs_to_two_topics(corpus: Corpus) -> None:
    found = _wordings(corpus, ("facts", "talk"), 300)
    shared = {
        (one, other): found[one] & found[other] for one, other in combinations(found, 2) if found[one] & found[other]
    }
    assert shared == {}


FACTS = ["capital", "seat", "continent", "currency", "spoken", "symbol of", "element name", "element number", "fact"]
FACTS += [
    "numbered element",
    "place of planet",
    "moons",
    "diameter",
    "opposite",
    "young",
    "unit",
    "term",
    "short",
    "pair",
]


@pytest.mark.parametrize("name", FACTS)
def test_a_wording_has_one_answer(corpus: Corpus, name: str) -> None:
    answers: dict[str, str] = {}
    for wordings, answer in corpus.lists[name]:
        for wording in wordings.split("|"):
            assert answers.setdefault(wording, answer) == answer, wording
            assert wording.strip(), answer
    assert len(answers) > 8


def test_every_country_has_a_capital_both_ways_and_a_continent(corpus: Corpus) -> None:
    told = {name: {answer for _, answer in corpus.lists[name]} for name in ("capital", "seat", "continent")}
    assert len(corpus.lists["country"]) > 190
    for country, capital in corpus.lists["country"]:
        assert f"The capital of {country} is {capital}." in told["capital"]
        assert f"{capital} is the capital of {country}." in told["seat"]
        subject = country[0].upper() + country[1:]
        assert any(answer.startswith(f"{subject} is in ") for answer in told["continent"]), country


def test_elements_are_told_by_name_symbol_and_number(corpus: Corpus) -> None:
    symbols = {answer.split()[-1].strip("."): answer.split()[3] for _, answer in corpus.lists["symbol of"]}
    numbers = {answer.split()[0].lower(): answer.split()[-1].strip(".") for _, answer in corpus.lists["element number"]}
    assert len(symbols) == len(numbers) == len(corpus.lists["element name"]) >= 60
    assert (symbols["Fe"], numbers["iron"], numbers["gold"]) == ("iron", "26", "79")
    for symbol, answer in corpus.lists["element name"]:
        assert answer == f"{symbol} is the symbol of {symbols[symbol]}."
    for number, answer in corpus.lists["numbered element"]:
        assert numbers[answer.split()[-1].strip(".")] == number
