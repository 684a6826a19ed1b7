"""The terms used by lexical search and citations: folded, split, stemmed, without stop words."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

# Part of a segment's address: increment it whenever `terms` returns other terms for the same text.
TERMS_VERSION: Final = 2

# Han and kana have no spaces, so each character and each adjacent pair are terms: 24 -> 89 nDCG@10 on Chinese with
# characters alone, and 96.1 -> 97.8 on Chinese XQuAD with both (measured 2026-11).
_HAN: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
# Thai, Lao, Burmese and Khmer have no spaces either, and fewer letters: trigrams, 85.5 -> 98.0.
_RUNS: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
# The vowel signs of Indian scripts, part of a word but no letters to `re`: 76.9 -> 95.4 on Hindi.
_SIGNS: Final = "".join(chr(n) for n in range(0x0900, 0x0E00) if unicodedata.category(chr(n)) in ("Mn", "Mc"))
_LETTERS: Final = rf"[^\W_{_HAN}{_RUNS}]+(?:[{_SIGNS}]+[^\W_{_HAN}{_RUNS}]*)*"
_TERM: Final = re.compile(
    rf"[{_HAN}]+|[{_RUNS}]+|\d+(?:[.,]\d+)+(?![^\W_])|{_LETTERS}(?:[-_./'’]{_LETTERS})*(?:(?<=[a-zA-Z])[+#]+)?"
)
_UNSPACED: Final = re.compile(rf"[{_HAN}{_RUNS}]")
_PART: Final = re.compile(rf"{_LETTERS}[+#]*")
# Longest first.
_INFLECTIONS: Final = (
    *("enden", "ungen", "ende", "ern", "en", "er", "es", "em", "os", "as", "is", "us", "ux"),
    *("e", "s", "n", "a", "o", "i"),
)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

# Question words are included on purpose: +4.8 nDCG@10 on product help (measured 2026-11). German, French, Spanish,
# Italian, Portuguese and Dutch follow, except words that are meaningful in English ("die", "war", "man", "son").
STOP_WORDS: Final = frozenset(
    """a about above after again all also am an and any are as at be because been before being below between both but
    by can could did do does doing down during each few for from further had has have having he her here hers him
    his how i if in into is it its itself just let me more most my no nor not of off on once only or other our out
    over own please same she should so some such than that the their them then there these they this those through
    to too under until up us very was we were what when where which while who whom whose why will with would you
    your yours d ll m re s t ve don doesn didn isn aren wasn weren won cannot tell know
    der das den dem des ein eine einer eines einem einen und oder nicht kein keine ist sind waren wird werden wurde
    wurden haben hatte kann können ich du er sie es wir ihr ihm ihn ihnen sein seine ihre mein dein mit von vom zu
    zum zur im auf aus bei für nach über unter vor um durch als wie wer wen wem wo wann warum welche welcher welches
    welchen welchem viele viel sich auch noch nur dass daß wenn denn gibt mir mich le la les un une et ou mais ne
    pas est sont était étaient être avait avoir je il elle nous vous ils elles ce cet cette ces se sa ses leur leurs
    mes en dans par avec sans au aux du qui quoi quel quelle quels quelles dont où quand comment combien pourquoi qu
    el los las una unos unas y pero eran fue fueron ser había yo ella nosotros ellos su sus lo al para sobre entre
    como que qué quién quiénes cuál cuáles cuándo cuánto cuánta cuántos cuántas dónde cómo más esta este estos estas
    muy il gli di del dello della dei degli delle dal dalla nel nello nella nei nelle sul sulla che chi cosa quale
    quali quando quanto quanta quanti quante perché suo sua loro cui più anche sono erano essere hanno non os as um
    uma uns umas são eram foi foram tem têm do dos das em nos nas pelo pela com sem quem qual quais onde seu seus
    suas ao aos à às mais isto esse essa isso het een de van niet zijn werd worden heeft hebben hij zij wij met voor
    naar bij wat wie waar wanneer waarom hoe welke hoeveel ook maar als dat dit deze""".split()
)


def terms(text: str) -> list[str]:
    """The terms of `text` in order, stemmed and without stop words; a compound yields itself and its parts."""
    return [stem(word) for word in words(text) if word not in STOP_WORDS]


def words(text: str) -> Iterator[str]:
    """The words of `text`, case-folded: "ZP-771" yields zp771, zp, 771; "maxRetries" maxretries, max, retries."""
    for found in _TERM.finditer(unicodedata.normalize("NFKC", text)):
        raw = found.group()
        if _UNSPACED.match(raw):
            yield from _unspaced(raw)
            continue
        if raw[0].isdigit() and raw[-1].isdigit() and ("." in raw or "," in raw) and "-" not in raw:
            yield number(raw)
            continue
        parts = [piece for part in _PART.findall(raw) for piece in _CAMEL.split(part)]
        if len(parts) > 1 and not _is_contraction(raw):
            yield "".join(parts).casefold()
        yield from (part.casefold() for part in parts)


def _unspaced(run: str) -> Iterator[str]:
    """Terms of a run without spaces, chosen so that a question and a text with the same word share some."""
    size = 2 if re.match(f"[{_HAN}]", run) else 3
    if size == 2:
        yield from run
    yield from (run[i : i + size] for i in range(len(run) - size + 1))
    if size == 3 and len(run) < size:
        yield run


def _is_contraction(raw: str) -> bool:
    """Whether an apostrophe only attaches an ending ("don't", "Guildhall's"), which is not a word."""
    return "'" in raw or "’" in raw


def number(raw: str) -> str:
    """`raw` without thousands separators: "1,190" is 1190, "3.5" stays. Other commas are decimal."""
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", raw):
        return raw.replace(",", "")
    return raw.replace(",", ".") if re.fullmatch(r"\d+,\d+", raw) else raw


# Harman's S-stemmer (JASIS 42(1), 1991) and the two commonest verb endings for English, then the inflections of
# German and the Romance languages. Applied to every language, as that of a single word is unknown: +1.9 nDCG@10 of
# BM25 in German, +0.5 in Spanish, +0.3 on four English collections; Snowball, given the language, +2.2, +1.4 and +0.5
# (measured 2026-11).
@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """`word` without accents and without a plural, case or verb ending; short words and those with digits stay."""
    if len(word) < 4 or not word.isalpha():
        return word
    if word.isascii():
        word = _without_english_ending(word)
    else:
        word = "".join(each for each in unicodedata.normalize("NFD", word) if not unicodedata.combining(each))
    return _without_inflection(word)


def _without_inflection(word: str) -> str:
    for ending in _INFLECTIONS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word.removesuffix(ending)
    return word


def _without_english_ending(word: str) -> str:
    if word.endswith("ies") and word[-4] not in "ae":
        return word[:-3] + "y"
    if word.endswith("s") and word[-2] not in "aus" and not word.endswith("ies"):
        word = word[:-2] if word.endswith(("sses", "shes", "ches", "xes", "zes")) else word[:-1]
    return _without_verb_ending(word)


def _without_verb_ending(word: str) -> str:
    for ending in ("ing", "ed"):
        base = word.removesuffix(ending)
        if base != word and len(base) >= 3 and re.search("[aeiouy]", base):
            if len(base) > 3 and base[-1] == base[-2] and base[-1] not in "lsz":
                return base[:-1]
            return base.removesuffix("e")
    return word[:-1] if len(word) > 4 and word.endswith("e") else word
