import re
from itertools import pairwise
from random import Random

import pytest

from llamacli.builtin.chat.documents import stated_question
from llamacli.builtin.chat.memory import Known, conversation, never_told, told_at_once, under_system_prompt
from llamacli.builtin.chat.patterns import ask
from llamacli.builtin.chat.told import WEIGHTS, as_yours, changed, make_fact, with_articles
from llamacli.builtin.chat.topics import Corpus, load_corpus

FILLER = ("filler", "filler")
ROLES = ("told", "noted", "asked", "answer", "missing")


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_corpus()


def test_every_kind_of_fact_is_worded_and_its_answer_holds_the_value(corpus: Corpus) -> None:
    rng = Random(1)
    assert all(f"{kind} {role}" in corpus.lists for kind in WEIGHTS for role in ROLES)
    for kind in WEIGHTS:
        for _ in range(200):
            fact = make_fact(corpus, rng, kind)
            assert fact.value in fact.statement, fact
            assert as_yours(fact.value) in fact.acknowledgement, fact
            assert as_yours(fact.value) in fact.answer, fact
            assert not re.search(r"[{}]", fact.statement + fact.question + fact.answer), fact


@pytest.mark.parametrize("kind", [kind for kind in WEIGHTS if kind.isascii()])
def test_a_fact_is_told_and_asked_in_many_wordings(corpus: Corpus, kind: str) -> None:
    for role in ("told", "asked"):
        wordings = {item[0] for item in corpus.lists[f"{kind} {role}"]}
        assert len(wordings) >= (17 if role == "asked" else 19), (kind, role)


def test_lists_of_single_things_name_things_or_values_that_exist(corpus: Corpus) -> None:
    nouns, kinds = zip(*corpus.lists["noun"], strict=True)
    named = [name for name in corpus.lists if re.fullmatch(r"(my|any) .+ (told|asked)", name)]
    assert len(named) > 40
    for name in named:
        scope, thing, _ = name.partition(" ")[0], *name.partition(" ")[2].rsplit(" ", 1)
        assert thing in (nouns if scope == "my" else kinds), name


def test_the_newest_value_wins(corpus: Corpus) -> None:
    rng = Random(2)
    corrected = 0
    for _ in range(1500):
        turns = conversation(corpus, rng, lambda _: FILLER)
        newest: dict[str, str] = {}
        for _, answer in turns:
            for noted, known in (("Noted: you live in", "You live in"), ("Noted: you are from", "You are from")):
                for value in re.findall(rf"{noted} (.+?)\.(?= |$)", answer):
                    corrected += newest.get(known, value) != value
                    newest[known] = value
                if known in newest and answer.startswith(known) and answer.count(".") == 1:
                    assert answer == f"{known} {newest[known]}.", turns
    assert corrected > 10


def test_a_correction_by_the_value_alone_follows_what_it_corrects(corpus: Corpus) -> None:
    rng = Random(3)
    frames = [item[0] for item in corpus.lists["amended"] if "{o}" in item[0] and len(item[0]) > 15]
    patterns = [re.escape(frame).replace(r"\{x\}", "(?P<x>.+)").replace(r"\{o\}", "(?P<o>[^,]+)") for frame in frames]
    seen = 0
    for _ in range(1500):
        turns = conversation(corpus, rng, lambda _: FILLER)
        for (before, _), (said, answer) in pairwise(turns):
            match = next((match for pattern in patterns if (match := re.fullmatch(pattern, said))), None)
            if match:
                seen += 1
                assert match["o"] in before, turns
                assert match["x"] in answer, turns
    assert seen > 5


def test_what_was_not_told_is_not_known(corpus: Corpus) -> None:
    rng = Random(4)
    for _ in range(300):
        turn = never_told(corpus, rng, {"name", "noun favourite colour"})
        if turn:
            assert "not told" in turn[1] or "않았어요" in turn[1], turn
            assert turn[1] != "You have not told me your name."


def test_a_thing_has_two_spellings_and_is_one_thing(corpus: Corpus) -> None:
    rng = Random(5)
    turns = [never_told(corpus, rng, {"noun favourite colour"}) for _ in range(4000)]
    assert not [turn for turn in turns if turn and re.search(r"favou?rite colou?r\.", turn[1])]


def test_a_changed_fact_keeps_its_key(corpus: Corpus) -> None:
    rng = Random(6)
    for kind in WEIGHTS:
        old = make_fact(corpus, rng, kind)
        assert changed(corpus, rng, old).key == old.key


def test_a_message_that_tells_and_asks_is_answered_from_itself(corpus: Corpus) -> None:
    rng = Random(7)
    for _ in range(300):
        said, answer = told_at_once(corpus, rng)
        value = re.search(r"^(?:Your name is|You live in|The number is) (.+)\.$", answer)
        assert value is None or value[1] in said, (said, answer)


def test_a_system_prompt_that_gives_a_name_is_followed(corpus: Corpus) -> None:
    rng = Random(8)
    named = 0
    for _ in range(200):
        system, turns = under_system_prompt(corpus, rng, lambda _: FILLER)
        answer = turns[-1][1]
        if answer.startswith("My name is "):
            named += 1
            assert answer.removeprefix("My name is ").rstrip(".") in system
        else:
            assert system in {item[0] for item in corpus.lists["system korean"]}
            assert re.search("[가-힣]", answer), (system, turns)
    assert 100 < named < 180


def test_a_question_outside_is_refused_by_the_model_it_needs_or_by_the_help(corpus: Corpus) -> None:
    rng = Random(9)
    for topic in corpus.files["outside"]:
        for _ in range(10):
            question, answer = ask(topic, corpus, rng)
            assert "-m llama-3.1-8b" in answer or "llamacli --help" in answer, topic.name
            assert not re.search(r"[<>{}]", question), (topic.name, question)


def test_a_figure_of_speech_is_not_taken_for_danger(corpus: Corpus) -> None:
    rng = Random(10)
    for topic in corpus.files["care"]:
        if topic.name in ("figure of speech", "killing in other ways", "kill in the shell"):
            assert not any("emergency" in ask(topic, corpus, rng)[1] for _ in range(50)), topic.name


def test_a_text_without_the_answer_is_said_not_to_have_it(corpus: Corpus) -> None:
    rng = Random(11)
    answers = [stated_question(corpus, rng)[1] for _ in range(600)]
    assert sum(answer == "The text does not say that." for answer in answers) > 10


def test_the_value_or_the_error_that_is_read_from_a_text_stands_in_it(corpus: Corpus) -> None:
    rng = Random(12)
    kinds = {"The error is: ": 0, "The text says: ": 0, "The ": 0}
    for _ in range(600):
        prompt, answer = stated_question(corpus, rng)
        found = re.fullmatch(r'The error is: (?P<a>.+)|The text says: "(?P<b>.+)"\.|The .+? is (?P<c>.+)\.', answer)
        if found:
            kinds[next(start for start in kinds if answer.startswith(start))] += 1
            value = next(value for value in found.groups() if value)
            assert value in prompt or value.partition(" is ")[2] in prompt, (prompt, answer)
    assert min(kinds.values()) > 30, kinds


def test_a_thing_of_one_name_has_one_kind_of_value(corpus: Corpus) -> None:
    kinds: dict[str, str] = {}
    assert all(kinds.setdefault(noun, kind) == kind for noun, kind in corpus.lists["noun"])


def test_a_dog_and_its_name_are_not_told_apart_but_where_a_sister_lives_and_her_name_are(corpus: Corpus) -> None:
    rng = Random(13)
    known = Known()
    known.add(make_fact(corpus, rng, "dog's name"))
    assert not known.is_new(make_fact(corpus, rng, "dog"))
    known.add(make_fact(corpus, rng, "sister"))
    homes = [fact for fact in (make_fact(corpus, rng, "their-home") for _ in range(300)) if "sister" in fact.key]
    assert homes
    assert known.is_new(homes[0])
    known.add(homes[0])
    assert not known.is_new(homes[0])


def test_what_is_mine_is_yours_in_the_answer(corpus: Corpus) -> None:
    assert as_yours("in my bag, not my-box") == "in your bag, not my-box"
    rng = Random(15)
    facts = [make_fact(corpus, rng, kind) for kind in ("place", "task", "undertaking") for _ in range(400)]
    mine = [fact for fact in facts if " my " in f" {fact.value} "]
    assert mine
    assert not [fact for fact in mine if re.search(r"\bmy\b", fact.answer)]


def test_a_vowel_takes_the_other_article(corpus: Corpus) -> None:
    assert with_articles("i work as a actor, A engineer has a dog") == "i work as an actor, An engineer has a dog"
    rng = Random(14)
    facts = [make_fact(corpus, rng, kind) for kind in ("job", "their-job", "pet") for _ in range(200)]
    assert not [fact for fact in facts if re.search(r"\ba [aeiou]", fact.statement + fact.answer)]
