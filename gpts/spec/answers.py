"""Whether a text that a person typed answers a question of the form at all.

Thanks, questions to the site, "I don't know" and "whatever you want" hold no content word: only function words and
words about the form itself. What remains after taking those out is what an answer is made of. Texts about something
else altogether ("my cat is asleep") are not recognised.
"""

import re
import tomllib
from pathlib import Path
from typing import Any, Final

_DATA: Final[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("answers.toml").read_text("utf-8"))
_NAME_WORDS: Final = 7
# Such as "the", "für", "del", which names may hold in lower case.
_PARTICLE_CHARS: Final = 3
_SENTENCE_WORDS: Final = frozenset(_DATA["sentence"].split())
# Patterns are tried on so many characters: how a text begins.
_BEGIN_CHARS: Final = 200
_WORD: Final = re.compile(r"[^\W\d_\u3040-\u30ff\u3400-\u9fff]+")
_HAN: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_SENTENCE: Final = re.compile(r"(?<=[.!…。！])\s+|(?<=[。！])|\n+")
_QUOTES: Final = " \t\n.,:;!\"'“”„«»‘’*_。，！"
_QUESTION: Final = re.compile(_DATA["question"].replace("\n", ""), re.IGNORECASE)
_CHATTER: Final = re.compile(_DATA["chatter"].replace("\n", ""), re.IGNORECASE)
_SPEAKER: Final = re.compile(_DATA["speaker"].replace("\n", ""), re.IGNORECASE)
_WISH: Final = re.compile(_DATA["wish"].replace("\n", ""), re.IGNORECASE)
_QUOTED: Final = re.compile(r'["“„«»「『][^"“”„«»」』]{1,200}["“”»«」』]')
_NAME_LEAD: Final = re.compile(_DATA["name_lead"].replace("\n", ""), re.IGNORECASE)
_FORBIDDING: Final = re.compile(_DATA["forbidding"].replace("\n", ""), re.IGNORECASE)
_HELPING: Final = re.compile(_DATA["helping"].replace("\n", ""), re.IGNORECASE)
_HAN_EMPTY: Final = re.compile("|".join(sorted(_DATA["han"].split(), key=len, reverse=True)))


def _words(text: str) -> re.Pattern[str]:
    return re.compile("|".join(each.replace("*", r"\w*") for each in text.split()))


_EMPTY: Final = _words(_DATA["empty"])
_EMPTY_SHORT: Final = _words(_DATA["empty"] + _DATA["empty_short"])


def answer_in(text: str, n_words: int = 1) -> str:
    """The answer in `text`, without sentences around it that say nothing; empty if it is none.

    It has `n_words` content words at least. A question is none.
    """
    empty = _EMPTY if n_words > 1 else _EMPTY_SHORT
    sentences = [each.strip() for each in _SENTENCE.split(text) if each.strip()]
    if any(is_question(each) for each in sentences):
        return ""
    telling = [n for n, each in enumerate(sentences) if _n_content(each, empty) and not _is_chatter(each)]
    if not telling:
        return ""
    answer = " ".join(sentences[telling[0] : telling[-1] + 1])
    return answer if _n_content(answer, empty) >= n_words else ""


def name_in(text: str) -> str:
    """The name in `text`, without "call it"; empty if it is none. It may be too long for a GPT."""
    line = " ".join(text.split())
    quoted = _QUOTED.search(line[:_BEGIN_CHARS])
    line = quoted[0].strip(_QUOTES) if quoted else line
    lead = _NAME_LEAD.match(line[:_BEGIN_CHARS])
    name = line[lead.end() if lead else 0 :].strip(_QUOTES)
    words = _WORD.findall(name.casefold())
    says_something = (len(words) > 2 and not _SENTENCE_WORDS.isdisjoint(words)) or any(
        each in name for each in _DATA["sentence_han"]
    )
    return "" if says_something or len(words) > _NAME_WORDS or not answer_in(name) else name


def starter_in(text: str) -> str:
    """The conversation starter in `text`: a question of those who will chat, but not small talk."""
    line = " ".join(text.split()).strip('"“”„«» ')
    return line if _n_content(line, _EMPTY_SHORT) and (is_question(line) or not _is_chatter(line)) else ""


def is_full_name(text: str) -> bool:
    """Whether `text` is written as names of several words are: each but short ones begins with a capital letter."""
    words = _WORD.findall(text)
    lower = [word for word in words if not word[0].isupper()]
    return len(words) - len(lower) > 1 and all(len(word) <= _PARTICLE_CHARS for word in lower)


def forbids(text: str) -> bool:
    """Whether `text` says what not to do."""
    return bool(_FORBIDDING.search(text))


def tells_use(text: str) -> bool:
    """Whether `text` begins as one says what something is for."""
    return bool(_HELPING.search(text[:_BEGIN_CHARS]))


def n_content(text: str) -> int:
    """How many content words `text` has."""
    return _n_content(text, _EMPTY_SHORT)


def is_question(text: str) -> bool:
    """Whether the sentence asks."""
    unquoted = _QUOTED.sub("", text)
    return any(mark in unquoted for mark in "?？¿") or bool(_QUESTION.match(text[:_BEGIN_CHARS]))


def _is_chatter(text: str) -> bool:
    """Whether the sentence is about the talk or the moment; longer ones hardly are."""
    begin = text[:_BEGIN_CHARS]
    return bool(_CHATTER.search(begin) or (_SPEAKER.search(begin) and not _WISH.search(begin)))


def _n_content(text: str, empty: re.Pattern[str]) -> int:
    """How many content words there are; two characters of a language without spaces count as one."""
    words = [word for word in _WORD.findall(text.casefold()) if len(word) > 1 and not empty.fullmatch(word)]
    return len(words) + len(_HAN.findall(_HAN_EMPTY.sub("", text))) // 2
