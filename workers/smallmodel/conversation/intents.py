"""What a message asks for: facts, small talk, the GPT itself, a text to be written, or whole files."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, get_args

from gpts.knowledge.terms import stem, terms
from gpts.runs.state import TurnState
from gpts.runs.steps import Intent, UserMessage
from gpts.spec.gpt import KnowledgeRef
from workers.smallmodel.conversation.classifier import MessageClassifier
from workers.smallmodel.conversation.wording import plain_words
from workers.smallmodel.phrases import pattern, phrases
from workers.smallmodel.routing.dialogue import clip

# The intent that a label of the classifier stands for; the others are small talk.
_INTENTS: Final[dict[str, Intent]] = {
    "question": "question",
    "about_gpt": "about_gpt",
    "rewrite": "rewrite",
    "whole_files": "whole_files",
    "hands_over": "whole_files",
}
# A third of the training data are questions, two thirds of what people write to a GPT.
QUESTIONS_MORE_OFTEN: Final = 3.0
# From this probability an intent other than a question is taken. Of 267 messages that were not learned from, by
# another author, 93 % are read right: 4 % of the questions are taken for something else, and 9 % of the others for
# questions (2026-11).
LIKELY_FROM: Final = 0.6
# How many turns tell the language of a message of few words.
_LAST_SAID: Final = 3
_ANY_WORD: Final = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
_ORDINALS: Final = (
    "first 1st erste ersten erster premier primero primer primo eerste",
    "second 2nd zweite zweiten zweiter deuxieme segundo secondo tweede",
    "third 3rd dritte dritten dritter troisieme tercero tercer terzo derde",
    "fourth 4th vierte vierten quatrieme cuarto quarto vierde",
)
_FILE_WORDS: Final = frozenset(
    """file files document documents pdf doc datei dateien dokument dokumente fichier fichiers archivo archivos
    documento documentos one bestand""".split()
)
_SEVERAL: Final = frozenset(
    """files documents pdfs attachments both compare everything dateien dokumente beide beiden vergleiche fichiers
    deux archivos documentos ambos compara dos bestanden confronta""".split()
)
_LETTER_BY_DIGIT: Final = re.compile(r"(?<=[^\W\d])(?=\d)|(?<=\d)(?=[^\W\d])")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a message asks for, how likely, 0..1, and by which label of the classifier.

    `topic` are the words of a wish that name its subject.
    """

    intent: Intent
    lang: str
    label: str = "question"
    share: float = 1.0
    topic: tuple[str, ...] = ()


def read_message(
    text: str, classifier: MessageClassifier, before: str = "", *, has_new_files: bool = False
) -> Reading:
    """What the message `text` asks for, said after `before`; one with files that asks nothing hands them over."""
    read = classifier.read(text, before)
    if not plain_words(text):  # "…" or a smiley
        label = "hands_over" if has_new_files else "acknowledgement"
        return Reading(_INTENTS.get(label, "small_talk"), read.lang, label)
    shares = _shares(read.labels, has_new_files)
    intent = max(shares, key=lambda each: shares[each])
    if shares[intent] < LIKELY_FROM:
        intent = "whole_files" if has_new_files else "question"
    if has_new_files and intent == "question" and not topic(text):  # "what is this?"
        intent = "whole_files"
    own = {label: share for label, share in read.labels.items() if _INTENTS.get(label, "small_talk") == intent}
    if not has_new_files:
        own.pop("hands_over", None)
    label = max(own, key=lambda each: own[each])
    return Reading(intent, read.lang, label, shares[intent], topic(text))


def said_before(state: TurnState) -> str:
    """Words by whose language a message of few words is read: the last messages, or else the GPT's own texts."""
    said = [step.text for log in state.history[-_LAST_SAID:] for step in log if isinstance(step, UserMessage)]
    return clip(" ".join(said or (*state.spec.starters, state.spec.description)))


def _shares(labels: Mapping[str, float], has_new_files: bool) -> dict[Intent, float]:
    """The probability of each intent: that of its labels, as often as they are outside of the training data."""
    shares: dict[Intent, float] = dict.fromkeys(get_args(Intent), 0.0)
    for label, share in labels.items():
        shares[_INTENTS.get(label, "small_talk")] += share
    if has_new_files:
        shares["whole_files"] += shares["small_talk"] + shares["about_gpt"]
        shares["small_talk"] = shares["about_gpt"] = 0.0
    else:
        shares["question"] = QUESTIONS_MORE_OFTEN * shares["question"] + labels["hands_over"]
        shares["whole_files"] -= labels["hands_over"]
    total = sum(shares.values())
    return {intent: share / total for intent, share in shares.items()}


def subject(text: str) -> str:
    """What the message wants a file to say something on ("what does the lease say about pets?"); empty for others."""
    found = pattern(phrases("intents")["say_about"]).search(clip(text))
    return next(filter(None, found.groups())).strip() if found else ""


def named_files(text: str, refs: Sequence[KnowledgeRef], numbered: Sequence[KnowledgeRef]) -> tuple[str, ...]:
    """The ids of those of `refs` that `text` names: by a number in `numbered`, by their name or its words."""
    words = plain_words(text)
    if not _FILE_WORDS.isdisjoint(words):
        for number, ordinals in enumerate(_ORDINALS):
            if number < len(numbered) and not set(ordinals.split()).isdisjoint(words):
                return (numbered[number].file_id,)
        if numbered and not {"last", "letzte", "letzten", "dernier", "ultimo"}.isdisjoint(words):
            return (numbered[-1].file_id,)
    said = {stem(word) for word in words if len(word) > 2}
    own = {ref.file_id: _name_words(ref.name) for ref in refs}
    # "The lease" may be lease.pdf or lease-2026.pdf.
    full = [names for names in own.values() if names and names <= said]
    shared = {id for id, names in own.items() if any(each <= names for each in full)}
    # "Compare the lease and the newsletter": of newsletter-2026.pdf one word is enough, beside those of the
    # lease. "List all prices" does not name word-list.md.
    left = said.difference(_wish_words(), *full)
    return tuple(id for id in own if id in shared or not _only_here(id, own).isdisjoint(left))


def called_files(text: str, refs: Sequence[KnowledgeRef]) -> tuple[tuple[str, ...], str]:
    """The ids of those of `refs` that `text` surely names, and what else it says.

    It does by their name as written, which may go without its ending unless it is a plain word then, or by all of
    several words of it.
    """
    found, rest = [], text
    for ref in refs:
        base = ref.name.rsplit(".", 1)[0]
        names = "|".join(re.escape(name) for name in (ref.name, base) if name == ref.name or not base.isalpha())
        rest, n_found = re.subn(rf"(?<!\w)(?:{names})(?!\w)", "", rest, flags=re.IGNORECASE)
        found += [ref.file_id] * bool(n_found)
    if not found:
        said = {stem(word) for word in plain_words(text)}
        found = [ref.file_id for ref in refs if len(words := _name_words(ref.name)) > 1 and words <= said]
    return tuple(found), rest


def beside_names(words: Iterable[str], refs: Sequence[KnowledgeRef]) -> list[str]:
    """Those of `words` that are not the name of one of the files, such as "lease" of lease.pdf."""
    names = frozenset[str]().union(*(_name_words(ref.name) for ref in refs))
    return [word for word in words if names.isdisjoint(map(stem, plain_words(word)))]


def means_all(text: str) -> bool:
    """Whether `text` is about several files at once."""
    return not _SEVERAL.isdisjoint(plain_words(text))


def _only_here(file_id: str, own: dict[str, frozenset[str]]) -> frozenset[str]:
    """The words of a file's name that no other file's name has."""
    if len(own) < 2:
        return frozenset()
    return own[file_id].difference(*(names for id, names in own.items() if id != file_id))


def _name_words(name: str) -> frozenset[str]:
    stem_of_name = _LETTER_BY_DIGIT.sub(" ", name.rsplit(".", 1)[0])
    return frozenset(stem(word) for word in plain_words(stem_of_name.replace("_", " ")) if len(word) > 2)


def topic(text: str) -> tuple[str, ...]:
    """The words of a wish that name its subject; empty if it has none."""
    return tuple(word for word in _ANY_WORD.findall(text) if not _wish_words().issuperset(terms(word)))


@cache
def _wish_words() -> frozenset[str]:
    return frozenset(stem(word) for word in phrases("intents")["wish_words"].split())
