"""The stream of training conversations: the mixture of kinds, and how people really type."""

from __future__ import annotations

from random import Random

from llamacli.builtin.chat_arithmetic import sum_question
from llamacli.builtin.chat_documents import asked_about
from llamacli.builtin.chat_memory import Turn, conversation, told_at_once
from llamacli.builtin.chat_patterns import Corpus, ask, choose_topic, made_up_word

Message = dict[str, str]

SHARES = {"tool": 7.0, "talk": 1.8, "facts": 1.8, "shell": 1.8, "korean": 1.5, "outside": 3.6}
LITERAL = {"repeat say", "made up", "gibberish"}  # words are repeated, or nothing stands for anything
_PREFIXES = ["hey, ", "hi, ", "please ", "can you tell me ", "quick question: ", "tell me, ", "hello, ", "ok, ", "so ", "and ", "well, ",
             "could you tell me ", "i wonder, ", "excuse me, ", "sorry, ", "just tell me ", "do you know ", "now ", "question: ", "um, ",
             "one more thing: ", "please tell me ", "hi! ", "in llamacli, ", "using llamacli, ", "for llamacli: ", "hey llama, "]  # fmt: skip
_SUFFIXES = [" please", " thanks", ", please", " now", " in llamacli", " here", " with llamacli", " for me", " again", " in this tool",
             " briefly", " in short", ", thank you", " asap", " i forgot", " pls"]  # fmt: skip
_SYSTEMS = ["You are a helpful assistant.", "Be brief.", "Answer in one sentence.", "Answer in Korean.", "You are a pirate.",
            "You are an expert.", "Answer politely.", "Use simple words.", "You are a teacher.", "Answer like a friend.",
            "Never use Markdown.", "You help with the command line.", "Think step by step.", "Answer only with facts."]  # fmt: skip


def typo(text: str, rng: Random) -> str:
    """One slip of the finger in one of the longer words."""
    words = text.split(" ")
    long = [i for i, word in enumerate(words) if len(word) > 3 and word.isalpha() and word.isascii()]
    if not long:
        return text
    i = rng.choice(long)
    word, at = words[i], rng.randint(1, len(words[i]) - 2)
    words[i] = rng.choice((
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
        word[:at] + rng.choice("abcdefghijklmnoprstuvw") + word[at + 1 :],
    ))  # fmt: skip
    return " ".join(words)


def reworded(question: str, corpus: Corpus, rng: Random) -> str:
    """The question with other words of the same meaning, small words left out, and something said around it."""
    padded = f" {question} "
    for _ in range(rng.choice((0, 1, 2, 3))):
        old, *new = corpus.word("same", rng).split("|")
        padded = padded.replace(f" {old} ", f" {rng.choice(new)} ", 1)
    words = padded.split()
    if rng.random() < 0.25:
        small = {item[0] for item in corpus.lists["small"]}
        words = [word for word in words if word not in small or rng.random() < 0.6] or words
    if rng.random() < 0.06:
        words.insert(rng.randint(0, len(words)), rng.choice((corpus.word("common", rng), made_up_word(rng))))
    text = " ".join(words)
    if rng.random() < 0.15:
        text = corpus.pick("before", rng)[0] + " " + text
    if rng.random() < 0.12:
        after = corpus.word("after", rng)
        text += after if after.startswith(",") else f" {after}"
    return text


def as_typed(question: str, rng: Random) -> str:
    """The question with the prefixes, capitals, marks and slips that people type."""
    if question[:1] in "<`{\"'/":
        return question
    if rng.random() < 0.12:
        question = rng.choice(_PREFIXES) + question
    if rng.random() < 0.08:
        question += rng.choice(_SUFFIXES)
    if rng.random() < 0.12:
        question = typo(question, rng)
    if rng.random() < 0.03:
        question = typo(question, rng)
    case = rng.random()
    if case < 0.4:
        question = question[:1].upper() + question[1:]
    elif case < 0.42:
        question = question.upper()
    if question[-1:].isalnum() or not question.isascii():
        question += rng.choices(("", "?", ".", "!", " ?"), weights=(45, 45, 6, 2, 2))[0]
    return question


def single(corpus: Corpus, rng: Random) -> Turn:
    """One question and its answer, of any kind but memory."""
    if rng.random() < 0.13:
        question, answer = sum_question(rng)
    else:
        topic = choose_topic(corpus, SHARES, rng)
        question, answer = ask(topic, corpus, rng)
        if rng.random() < 0.7 and question.isascii() and topic.name not in LITERAL:
            question = reworded(question, corpus, rng)
    return as_typed(question, rng), answer


def _typed_statements(turns: list[Turn], rng: Random) -> list[Turn]:
    """Statements keep their values as they are, so only first letter and last mark change."""
    result: list[Turn] = []
    for said, answer in turns:
        if said[:1].islower() and rng.random() < 0.35:
            said = said[:1].upper() + said[1:]
        if said[-1:].isalnum() and rng.random() < 0.4:
            said += "?" if said.lower().startswith(("what", "who", "how", "where", "which", "do ", "can ")) else "."
        result.append((said, answer))
    return result


def turns_of(corpus: Corpus, rng: Random, *, long: bool) -> list[Turn]:
    """The turns of one training conversation. ``long`` draws documents up to the whole context window."""

    def one(source: Random) -> Turn:
        return single(corpus, source)

    chance = rng.random()
    if long and chance < 0.45:
        turns = [asked_about(corpus, rng, int(rng.uniform(1, 22) * 1000), one)]
        return turns + [one(rng) for _ in range(rng.choice((0, 0, 1)))]
    if chance < 0.46:
        return [one(rng)]
    if chance < 0.56:
        return [one(rng) for _ in range(rng.randint(2, 5))]
    if chance < 0.84:
        return _typed_statements(conversation(corpus, rng, one), rng)
    if chance < 0.89:
        return _typed_statements([told_at_once(corpus, rng)], rng)
    return [asked_about(corpus, rng, int(10 ** rng.uniform(1.5, 3.05)), one)]


def example(corpus: Corpus, rng: Random, *, long: bool = False) -> list[Message]:
    """One training conversation as chat messages."""
    messages: list[Message] = []
    if rng.random() < 0.08:
        messages.append({"role": "system", "content": rng.choice(_SYSTEMS)})
    for question, answer in turns_of(corpus, rng, long=long):
        messages.append({"role": "user", "content": question.strip()})
        messages.append({"role": "assistant", "content": answer})
    return messages
