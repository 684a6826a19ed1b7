"""What a message asks for: facts, small talk, the GPT itself, a text to be written, or whole files.

Read by the phrases in data/small_talk.toml and the patterns in data/intents.toml.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Final, Literal, cast

from gpts.knowledge.citations import Similarity
from gpts.knowledge.terms import stem, terms
from gpts.runs.steps import Intent
from gpts.spec.gpt import KnowledgeRef
from workers.knowledge.languages import likeliest_language
from workers.smallmodel.conversation.wording import LANGUAGES, SmallTalk, joined, plain_words, small_talk
from workers.smallmodel.phrases import any_of, pattern, phrases
from workers.smallmodel.routing.dialogue import clip
from workers.smallmodel.routing.words import english_words, language_of

_AFTERTHOUGHT_WORDS: Final = 4
# Shorter messages after small talk are keywords: "opening hours".
_LEAST_REMARK_WORDS: Final = 4
# Of 488 messages of dialogues that no pattern tells, 47 of them meant for the GPT itself, 0.55 finds 11 of these and
# 2 others, 0.45 15 and 13 (2026-11; some of the examples were written with these in view).
_LIKELY_FROM: Final = 0.55
_SURELY_FROM: Final = 0.6
_SURE_SHARE: Final = 0.9
_SURE_AGAINST_ENGLISH: Final = 0.995
_ELSE: Final = re.compile(r" (?:else|sonst|noch|d autre|mas|altro|mais|nog)\b")
_SENTENCE: Final = re.compile(r"[.!?,;。！？，]+(?:\s|$|(?<=[。！？，]))")
_GOES_ON: Final = re.compile(r"(?:and|but|or|plus|also|und|aber|oder|et|mais|ou|y|pero|o|e|ma|en|maar)\b")
# What a remark has none of: question words, and words by which somebody wants something.
_ASKING: Final = re.compile(
    r"\b(?:what|when|where|who|whose|which|why|how|can|could|may|do|does|is|are|should|must|need|want|tell|show|give|find"
    r"|list|was|wann|wo|wer|wie|welche\w*|warum|wieso|kann|darf|muss|gibts?|brauche|will|mochte|sag|zeig|ist|sind|que|quoi"
    r"|quand|ou|qui|quel\w*|comment|combien|pourquoi|puis|peut|faut|veux|voudrais|dites|est|cuando|donde|quien|cual\w*"
    r"|como|cuant\w*|puedo|hay|quiero|necesito|dime|es|che|cosa|quando|dove|chi|quale|quanto|posso|wat|wanneer|waar)\b"
    r"|[什怎哪谁几吗呢多]"
)
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


LikelyIntent = Literal["about_gpt", "whole_files", "remark", "question"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a message asks for. `talk` is the small talk in it; `topic` are its words that name a subject."""

    intent: Intent
    lang: str
    talk: SmallTalk | None = None
    topic: tuple[str, ...] = ()


def read_message(text: str, *, has_attachments: bool = False) -> Reading:
    """What the message `text` asks for, by its beginning and its end if it is long.

    In a conversation with attachments, "summarise this" and "what is it?" mean these.
    """
    text = clip(text)
    talk = small_talk(text)
    if talk and not talk.content and not _wishes(text, talk, "rewrite"):
        return Reading("small_talk", talk.lang, talk)
    if has_attachments and (lang := _wishes(text, talk, "attached")):
        return Reading("whole_files", lang, talk)
    if lang := _about_gpt(text):
        return Reading("about_gpt", lang, talk)
    if lang := _wishes(text, talk, "whole_files"):
        return Reading("whole_files", lang, talk, topic(text))
    if lang := _wishes(text, talk, "rewrite"):
        return Reading("rewrite", lang, talk, topic(text))
    return Reading("question", language(text), talk)


def _wishes(text: str, talk: SmallTalk | None, intent: str) -> str:
    """The language whose patterns for `intent` the message matches; empty if none does."""
    beside = [joined(talk.rest)] if talk else []
    spoken = [*beside, *(joined(plain_words(text, apostrophes=each)) for each in (" ", ""))]
    forms = list(dict.fromkeys(map(_impolite, spoken)))
    return next((lang for lang in LANGUAGES for form in forms if _wish(intent, lang).search(form)), "")


def subject(text: str) -> str:
    """What the message wants a file to say something on ("what does the lease say about pets?"); empty for others."""
    found = pattern(phrases("intents")["say_about"]).search(clip(text))
    return next(filter(None, found.groups())).strip() if found else ""


def is_remark(reading: Reading, text: str, *, after_talk: bool) -> bool:
    """Whether a message that begins like small talk, or follows it, asks nothing: "morning! flour everywhere"."""
    words = plain_words(text, apostrophes=" ")
    if "?" in text or "？" in text or _ASKING.search(" ".join(words)):
        return False
    if reading.talk is None:
        return after_talk and len(words) >= _LEAST_REMARK_WORDS
    return not _GOES_ON.match(joined(reading.talk.rest))


def likely_meant(text: str, lang: str, similarity: Similarity) -> LikelyIntent:
    """What a message that no pattern tells is about, by its likeness to the examples of data/addressed.toml.

    An intent, or "remark" if the files may be meant after all.
    """
    kinds = phrases("addressed")
    rows = similarity(
        [english_words(clip(text), lang)], [example for examples in kinds.values() for example in examples]
    )
    scores = iter(rows[0])
    best = {kind: max(islice(scores, len(examples))) for kind, examples in kinds.items()}
    kind = max(best, key=lambda each: best[each])
    if best[kind] >= _SURELY_FROM and kind in ("about_gpt", "whole_files"):
        return cast(LikelyIntent, kind)
    return "remark" if best[kind] >= _LIKELY_FROM and kind in ("about_gpt", "remark") else "question"


def _about_gpt(text: str) -> str:
    """The language of a message about the GPT itself, of which each sentence is, or is small talk; else empty."""
    found = ""
    for sentence in filter(str.strip, _SENTENCE.split(text)):
        talk = small_talk(sentence)
        if talk and not talk.content:
            continue
        beside = [joined(talk.rest)] if talk else []
        forms = [*beside, *(joined(plain_words(sentence, apostrophes=each)) for each in (" ", ""))]
        forms += [_ELSE.sub("", form) for form in forms]
        forms = list(dict.fromkeys([*forms, *map(_impolite, forms)]))
        langs = [lang for lang in LANGUAGES for form in forms if _about(lang).fullmatch(form)]
        # What follows may be an afterthought: "who are you? a prof?"
        if not langs and not (found and len(sentence.split()) <= _AFTERTHOUGHT_WORDS):
            return ""
        found = found or langs[0]
    return found


def language(text: str) -> str:
    """The language of a message: by its letters where they are sure, else by the words known of each."""
    by_words = language_of(text)
    likely, share = likeliest_language(text, LANGUAGES)
    is_sure = share >= (_SURE_SHARE if by_words != "en" else _SURE_AGAINST_ENGLISH)
    return likely if is_sure else by_words


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
    # "Compare the lease and the newsletter": of newsletter-2026.pdf one word is enough, beside those of the lease.
    left = said.difference(*full)
    return tuple(id for id in own if id in shared or not _only_here(id, own).isdisjoint(left))


def beside_names(words: Iterable[str], refs: Sequence[KnowledgeRef]) -> list[str]:
    """Those of `words` that are not the name of one of the files, such as "lease" of lease.pdf."""
    names = frozenset[str]().union(*(_name_words(ref.name) for ref in refs))
    return [word for word in words if names.isdisjoint(map(stem, plain_words(word)))]


def hands_over(text: str) -> bool:
    """Whether a message with a file asks for nothing: "here is the new lease"."""
    rest, n_handing = _handing().subn("", _impolite(joined(plain_words(text))))
    return not topic(text) or bool(n_handing and not ("?" in text or "？" in text or _ASKING.search(rest)))


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
    wish = _wish_words(phrases("intents")["wish_words"])
    return tuple(word for word in _ANY_WORD.findall(text) if not wish.issuperset(terms(word)))


@cache
def _wish_words(listed: str) -> frozenset[str]:
    return frozenset(stem(word) for word in listed.split())


def _impolite(form: str) -> str:
    """`form` without the politeness around it."""
    polite = phrases("intents")["polite"]
    form = re.sub(rf"^(?:{polite} )+", "", form)
    return re.sub(rf"(?: {polite})+$", "", form)


@cache
def _handing() -> re.Pattern[str]:
    return pattern(phrases("intents")["handing"])


@cache
def _about(lang: str) -> re.Pattern[str]:
    return pattern(any_of(phrases("intents")["about"][lang]))


@cache
def _wish(intent: str, lang: str) -> re.Pattern[str]:
    return pattern(any_of(phrases("intents")[intent][lang]))
