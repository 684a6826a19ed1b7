"""Translates a message word by word to English, as the bundled embedder knows only English.

A small dictionary has the German, French, Spanish and Chinese words of messages to tools; smaller ones have words of
questions and files, also in Italian, Portuguese and Dutch. Word order and grammar stay foreign, which hardly matters
to the embedder.
"""

import re
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

DATA: Final = Path(__file__).parent / "data"
# English to the forms in each of LANGUAGES.
_DICTIONARY: Final = ("words", "words-gpts", "words-things")
LANGUAGES: Final = ("de", "fr", "es", "zh")
# Further words of these languages, which `english_words` knows and the trained router does not.
_MORE: Final[dict[str, tuple[str, ...]]] = {"words-more": ("it", "pt", "nl"), "words-files": ("de", "fr", "es")}
_TOKEN: Final = re.compile(r"https?://\S+|[^\W\d_]+(?:['’-][^\W\d_]+)*|\d[\d.,:]*|[\u3400-\u9fff]|\S")
# Codes stay whole where a text is only compared: the router has learned "P 2".
_CODE_OR_TOKEN: Final = re.compile(rf"[A-Za-z]+-?\d[A-Za-z\d]*|{_TOKEN.pattern}")
_HAN: Final = re.compile("[\u3400-\u9fff]")
_FOREIGN: Final = re.compile("[äöüßéèêàçùîôñ¿¡íóúáâœ]")
_ELISION: Final = re.compile(r"^(?:l|d|j|qu|n|s|c|m|t|dell|all|nell|un|quest)['’]")
_SHORTEST_STEM: Final = 4
# The languages in which a word is looked up that the dictionary of its own does not have.
_RELATED: Final = ("es", "pt", "it", "fr", "nl", "de")
_LONGEST_HAN: Final = 4


@dataclass(slots=True)
class _Lexicon:
    exact: dict[str, str] = field(default_factory=dict)
    stems: dict[str, str] = field(default_factory=dict)

    def find(self, word: str) -> str | None:
        """The English of `word` (folded), by its whole form or by its longest known beginning."""
        if word in self.exact:
            return self.exact[word]
        for end in range(len(word), 1, -1):
            if word[:end] in self.stems:
                return self.stems[word[:end]]
        return None


def fold(text: str) -> str:
    """`text` in lower case without accents."""
    spread = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss"))
    return "".join(letter for letter in spread if not unicodedata.combining(letter))


@cache
def _lexicons() -> dict[str, _Lexicon]:
    return _read_lexicons(dict.fromkeys(_DICTIONARY, LANGUAGES))


@cache
def _more_lexicons() -> dict[str, _Lexicon]:
    """Those of all languages with the words that are only for comparing."""
    return _read_lexicons({**dict.fromkeys(_DICTIONARY, LANGUAGES), **_MORE})


def _read_lexicons(columns: Mapping[str, Sequence[str]]) -> dict[str, _Lexicon]:
    lexicons: dict[str, _Lexicon] = defaultdict(_Lexicon)
    for name, languages in columns.items():
        for english, forms in read_data(name).items():
            for language, words in zip(languages, forms, strict=True):
                for word in words.split():
                    form = word if language == "zh" else fold(word)
                    table = lexicons[language].stems if form.endswith("*") else lexicons[language].exact
                    table.setdefault(form.removesuffix("*"), english)
    return lexicons


@cache
def read_data(name: str) -> dict[str, Any]:
    """The content of data/<name>.toml."""
    return tomllib.loads((DATA / f"{name}.toml").read_text("utf-8"))


@cache
def _english() -> frozenset[str]:
    return frozenset(read_data("english")["words"]).union(*map(read_data, _DICTIONARY))


def is_english(text: str) -> bool:
    """Whether `text` has a frequent English word that is none of another language here."""
    found = frozenset(token.casefold() for token in _TOKEN.findall(text)).intersection(read_data("english")["words"])
    return any(all(word not in lexicon.exact for lexicon in _more_lexicons().values()) for word in found)


@lru_cache(4_096)
def language_of(text: str) -> str:
    """ "en" or one of LANGUAGES, by the number of known words; English if unsure."""
    if _HAN.search(text):
        return "zh"
    words = [token for token in _TOKEN.findall(text.lower()) if token[0].isalpha()]
    if not words:
        return "en"
    found = {language: sum(_find(language, word) is not None for word in words) for language in ("de", "fr", "es")}
    best = max(found, key=lambda language: found[language])
    english = sum(word in _english() for word in words)
    bonus = 1 if _FOREIGN.search(text.lower()) else 0
    return best if found[best] + bonus > english and found[best] else "en"


def _find(language: str, word: str) -> str | None:
    return _looked_up(_lexicons()[language], language, word)


def _looked_up(lexicon: _Lexicon, language: str, word: str) -> str | None:
    folded = fold(word)
    found = lexicon.find(folded)
    if found is None and language in ("fr", "es", "it"):
        found = lexicon.find(_ELISION.sub("", folded))
    if found is None and language in ("de", "nl"):
        found = _compound(lexicon, folded)
    return found


def _compound(lexicon: _Lexicon, word: str) -> str | None:
    """German writes "Bestellnummer" for "order number"."""
    for cut in range(len(word) - _SHORTEST_STEM, _SHORTEST_STEM - 1, -1):
        head, tail = lexicon.find(word[:cut]), lexicon.find(word[cut:])
        if head and tail:
            return f"{head} {tail}"
    return None


@lru_cache(4_096)
def gloss(text: str) -> str:
    """`text` with its known foreign words in English; English text is unchanged."""
    language = language_of(text)
    if language == "en":
        return text
    if language == "zh":
        return _gloss_han(text)
    return " ".join(_find(language, token) or token for token in _TOKEN.findall(text))


@lru_cache(4_096)
def english_words(text: str, language: str) -> str:
    """`text` with its words in English as far as any dictionary has them, that of its language first.

    A short text may be in a related language, and an unknown word is often nearly the same there.
    """
    if language == "en":
        return text
    if language == "zh":
        return _gloss_han(text)
    lexicons = _more_lexicons()
    order = [*([language] if language in lexicons else []), *(each for each in _RELATED if each != language)]
    found = (
        (
            token,
            (
                _looked_up(lexicons[each], each, token)
                for each in order
                if len(token) >= _SHORTEST_STEM or each == language
            ),
        )
        for token in _CODE_OR_TOKEN.findall(text)
    )
    return " ".join(next(filter(None, words), token) for token, words in found)


def _gloss_han(text: str) -> str:
    known = _lexicons()["zh"].exact
    out, place = [], 0
    while place < len(text):
        size = next((n for n in range(_LONGEST_HAN, 0, -1) if text[place : place + n] in known), 0)
        out.append(f" {known[text[place : place + size]]} " if size else text[place])
        place += size or 1
    return " ".join("".join(out).split())
