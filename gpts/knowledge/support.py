"""How far a passage supports a sentence: by words, numbers and names, never by a model."""

import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from gpts.knowledge import tables
from gpts.knowledge.calculations import Derivation, derivations
from gpts.knowledge.days import days, weekdays
from gpts.knowledge.documents import Passage
from gpts.knowledge.figures import currencies, figures_agree, is_dated, with_codes
from gpts.knowledge.numerals import is_number
from gpts.knowledge.opposites import contradicts, days_agree
from gpts.knowledge.places import Place, place_of, without_place
from gpts.knowledge.remembering import remembered
from gpts.knowledge.sentences import Span, sentence_spans
from gpts.knowledge.terms import HAN, RUNS, stem, terms, words

# A sentence is supported if the source contains this share of its terms, weighted by rarity, and at least RUN_SHARE
# of every RUN_TERMS terms in a row, so that no part is invented. On 500 XQuAD answers (2026-11) this holds for all
# that repeat, shorten or frame their source and 62 % of those in the question's words, 1 % of half-true sentences
# (one's beginning, another's end) and none from elsewhere; by the share alone 22 % of the half-true pass.
SUPPORTED_OVERLAP: Final = 0.6
RUN_TERMS: Final = 3
RUN_SHARE: Final = 0.3

_WORDS: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
FRAME: Final = frozenset(terms(_WORDS["frame"]))
# What says no more than a price does itself.
PRICE_TERMS: Final = frozenset(terms("cost costs price kostet kosten preis coûte coûtent prix cuesta cuestan precio"))
COURTESY: Final = FRAME | frozenset(terms(_WORDS["courtesy"]))
_NEGATIONS: Final = frozenset(_WORDS["negations"].split())


@remembered
def claims(sentence: str) -> tuple[str, ...]:
    """The terms of `sentence` that need a source, in order."""
    return tuple(term for term in compared_terms(sentence) if term not in FRAME)


def claims_at(sentence: str, source: "Source") -> tuple[str, ...]:
    """The terms of `sentence` that `source` must have: not those that only name where it stands.

    Nor "costs" of a price.
    """
    own = claims(sentence)
    given = source.place.terms | PRICE_TERMS if currencies(source.readable) else source.place.terms
    beyond = tuple(term for term in own if term in source.terms or term not in given)
    return own if source.place.terms.issuperset(own) else beyond


def compared_terms(text: str) -> list[str]:
    """The terms of `text`, the same for all that names a currency: "€", "EUR", "euros"."""
    return terms(with_codes(text))


_NAME: Final = re.compile(r"(?<![.!?:\-*#>] )(?<![¡¿])(?<!\w-)(?<!^)\b[A-Z][\w'’-]*[\w]")
# German writes nouns like names; there names are what follows a capitalised word ("Frau Kim", "Plattform Nido").
# Of 126 true sentences of German letters and summaries 78 % were withheld for their nouns, now 4 %; of 48 with an
# invented figure, name or place 12 % are shown, mostly a place alone ("in Eisenach"), before 2 % (2026-11).
_GERMAN: Final = frozenset(_WORDS["german"].split())
_BEFORE_NOUN: Final = _GERMAN.union(_WORDS["before_noun"].split())
_GERMAN_SHARE: Final = 0.15
# What is no name of "Ferris's", "I'd" and "We'll".
_ENDINGS: Final = frozenset("s i d m ll ve re we you they he she it".split())
# Words of units, which no source need have.
_OF_UNITS: Final = frozenset("us imperial fahrenheit celsius".split())
_NAMED: Final = re.compile(r"[A-ZÄÖÜ][\w'’-]{0,60}\w(?: [A-ZÄÖÜ][\w'’-]{0,60}\w)+")
# Not of scripts that add to it without a space: "P2是什么意思" has the code P2.
_CODE: Final = re.compile(r"(?<!W)W*(?:\d|[A-Z]W*[A-Z])W*".replace("W", rf"[^\W{HAN}{RUNS}\uac00-\ud7af]"))
HEADING: Final = re.compile(r"\s*#+\s|[^\d]*:[*_]*$|[*_]{2}[^\d]*[*_]{2}$")
_LETTER: Final = re.compile("".join(_WORDS["letter"]), re.IGNORECASE)
_SELF: Final = re.compile("".join(_WORDS["itself"]))
_STOPPED: Final = re.compile(r"[.!:;…。！][\"'”’)\]]*$")
# "3. Deposit": a heading in plain text, unless it is one of a list.
NUMBERED_TITLE: Final = re.compile(r"(?:§ ?)?\d+(?:\.\d+)*[.)]? \S+(?: \S+){0,4}(?<![.!?:;])")
_LISTED: Final = re.compile(r"[-*+•|]|\d+[.)]")
# "Next meeting: 9 June, 10:00", "Absent: Tom Hale (Treasurer)": a line that gives something is no title.
_GIVES: Final = re.compile(r"[^:]+: .*[\d,(@]")
# Not the sign of a formula: "2 * 45".
# Characters at the beginning of a file that may say when it is from.
OPENING_CHARS: Final = 200
_MARKUP: Final = re.compile(r"^[\s>#*+•-]+|\*{2,}|(?<!\d)(?<!\d )\*|\*(?! ?\d)|[_`]+")


@dataclass(frozen=True, slots=True)
class Source:
    """A sentence of a passage, or two adjacent ones.

    `readable` is `text` as understood alone: a table row labelled with its column names, empty for the header line,
    otherwise the same. `terms` are its own, `title` is the heading above it, `context` the words of the passage.
    `is_heading`: it is one, or has one.
    """

    passage: Passage
    span: Span
    text: str
    readable: str
    terms: frozenset[str]
    context: frozenset[str]
    title: str
    place: Place
    is_pair: bool
    is_heading: bool = False


def sources_of(passages: Sequence[Passage], *, pairs: bool = True) -> list[Source]:
    """The sentences of `passages` and, with `pairs`, every two adjacent ones."""
    openings = {each.file_id or each.url: each.text[:OPENING_CHARS] for each in passages if not each.start}
    sources = [
        source
        for passage in passages
        for source in _sources_in(passage, openings.get(passage.file_id or passage.url, ""))
    ]
    return sources if pairs else [source for source in sources if not source.is_pair]


def _sources_in(passage: Passage, opening: str) -> Iterator[Source]:
    spans = sentence_spans(passage.text)
    context = frozenset(words(f"{passage.file_name} {passage.heading} {passage.text}"))
    title = passage.heading.rsplit(" > ", 1)[-1]
    columns = tables.headers(passage.text, spans)
    headings = [_is_heading(passage, span) for span in spans]
    for number, span in enumerate(spans):
        text = passage.text[span.start : span.end]
        readable = _readable(text, columns.get(span.start))
        own = frozenset(compared_terms(readable or text))
        following = passage.text[span.end :].split("\n", 2)[1:2]
        is_numbered = NUMBERED_TITLE.fullmatch(text) and not any(map(NUMBERED_TITLE.fullmatch, following))
        title = text if is_numbered or is_title(passage.text, span) or text.endswith(("?", "？")) else title
        heading = passage.heading_at(passage.start + span.start)
        place = place_of(passage.file_id or passage.url, passage.file_name, heading, opening)
        fixed = (context, title, place)
        yield Source(passage, span, text, readable, own, *fixed, is_pair=False, is_heading=headings[number])
        # A pair of rows would mix their numbers.
        if number + 1 < len(spans) and not tables.is_row(text):
            pair = Span(span.start, spans[number + 1].end)
            both = passage.text[pair.start : pair.end]
            has_heading = any(headings[number : number + 2])
            terms_of_both = frozenset(compared_terms(both))
            yield Source(passage, pair, both, both, terms_of_both, *fixed, is_pair=True, is_heading=has_heading)


def _is_heading(passage: Passage, span: Span) -> bool:
    """Whether a sentence is the heading over the next ones, or the title that a text begins with."""
    text, start = passage.text[span.start : span.end], passage.start + span.start
    if not start:
        return is_title(passage.text, span)
    return text == passage.heading_at(start).rsplit(" > ", 1)[-1]


def _readable(text: str, header: str | None) -> str:
    """A sentence or row as understood alone; empty for the `header` of other rows, which is "" there."""
    if header == "":
        return ""
    return tables.labelled(header or "", text) if tables.is_row(text) else text


def is_title(text: str, span: Span) -> bool:
    """Whether the sentence is a paragraph of its own without a stop, as headings and FAQ questions are."""
    sentence = text[span.start : span.end]
    if _STOPPED.search(sentence) or _LISTED.match(sentence) or _GIVES.match(sentence):
        return False
    begins = span.start == 0 or text.startswith("\n\n", span.start - 2)
    return begins and text[span.end : span.end + 2] in ("\n\n", "")


class Rarity(dict[str, float]):
    """How rare each term is; unknown ones are as rare as the rarest."""

    def __missing__(self, term: str) -> float:
        return self._rarest

    @cached_property
    def _rarest(self) -> float:
        return max(self.values(), default=1.0)


def source_rarity(sources: Sequence[Source]) -> Rarity:
    """The inverse document frequency of each term over the sentences, by BM25's formula."""
    counts = Counter(term for source in sources for term in source.terms)
    return Rarity({term: math.log(1 + (len(sources) - n + 0.5) / (n + 0.5)) for term, n in counts.items()})


def share(wanted: frozenset[str], held: frozenset[str], rarity: Rarity) -> float:
    """The share of `wanted`, weighted by rarity, that is in `held`."""
    total = sum(rarity[term] for term in wanted)
    return sum(rarity[term] for term in wanted & held) / total if total else 0.0


def agrees(sentence: str, source: Source, *, is_translation: bool = False) -> bool:
    """Whether every figure of `sentence` is in the source, and every name in its passage, heading or file name.

    In a translation only names in capitals or with digits are required: others may be translated, too.
    """
    plain = _MARKUP.sub("", sentence)
    if not figures_agree(without_place(plain, source.place.terms), f"{source.readable} {source.text}"):
        return False
    names = marks(plain) if is_translation else _names(plain, source.passage.text)
    return names <= source.context or stems(names) <= stems(source.context)


def adds_nothing(
    sentence: str, text: str, known: frozenset[str], around: str, *, is_translation: bool = False
) -> tuple[Derivation, ...] | None:
    """How the figures of `sentence` follow that do not stand in `text`, whose words have the stems `known`.

    From those that are stated `around` it, or close to it in `text`; None if a figure or name does not.
    """
    plain = _MARKUP.sub("", sentence)
    names = marks(plain) if is_translation else _names(plain, text)
    dated = [each.written for each in days(plain)] + [each.written for each in weekdays(plain)]
    in_dates = frozenset(words(" ".join(dated)))
    names = {name for name in names - in_dates - _OF_UNITS if not is_dated(name, text, known)}
    if not stems(names) <= known or (
        not is_translation and (contradicts(plain, text) or not days_agree(plain, text))
    ):
        return None
    return derivations(plain, text, _MARKUP.sub("", around))


@remembered
def _is_negated(text: str) -> bool:
    """Whether `text` contains a negation."""
    return "n't" in text or "n’t" in text or not _NEGATIONS.isdisjoint(words(text))


def is_opposed(sentence: str, source: Source) -> bool:
    """Whether just one of them is negated; of a row only the cells count that share a term with `sentence`."""
    said = source.readable
    if tables.is_row(source.text):
        own = frozenset(terms(sentence))
        said = " ".join(cell for cell in said.split("; ") if not own.isdisjoint(terms(cell)))
    return _is_negated(sentence) != _is_negated(said)


def is_word_for_word(sentence: str, source: Source) -> bool:
    """Whether the source contains `sentence` as it is, whatever their marks."""
    said = " ".join(plain(sentence).casefold().split()).rstrip(".")
    return said in " ".join(plain(source.text).casefold().split())


def plain(sentence: str) -> str:
    """A sentence without the marks of lists, headings and emphasis."""
    return _MARKUP.sub("", sentence)


def is_claim(sentence: str, instructions: str = "") -> bool:
    """Whether `sentence` makes a claim that needs a source.

    Questions, headings, table rows, courtesies and text that the GPT's instructions ask for do not.
    """
    text = sentence.strip(" *_>")
    if text.endswith(("?", "？")) or tables.is_row(text) or HEADING.match(sentence):
        return False
    if (len(text.split()) > 2 and text in instructions) or _LETTER.fullmatch(text) or _SELF.fullmatch(text):
        return False
    return not COURTESY.issuperset(terms(text))


def supports(sentence: str, source: Source, rarity: Rarity) -> bool:
    """Whether `source`, which agrees with `sentence`, supports all of it: each part and every name."""
    own = claims_at(sentence, source)
    if share(frozenset(own), source.terms, rarity) < SUPPORTED_OVERLAP:
        return False
    runs = [own[i : i + RUN_TERMS] for i in range(max(1, len(own) - RUN_TERMS + 1))]
    if any(share(frozenset(run), source.terms, rarity) < RUN_SHARE for run in runs):
        return False
    if is_opposed(sentence, source):
        return False
    passage = source.passage
    above = f"{passage.file_name} {' '.join(source.place.path)}"
    return stems(_names(_MARKUP.sub("", sentence), passage.text)) <= stems(words(f"{above} {source.readable}"))


def named_terms(question: str, text: str = "") -> frozenset[str]:
    """The terms of the names, numbers and codes of a question to `text`, in whose language a short one may be."""
    in_language = question if _is_german(question) else text or question
    return frozenset(terms(" ".join(codes(question) | _names(question, in_language))))


def codes(plain: str) -> set[str]:
    """The words with digits or capitals inside."""
    return {word for code in _CODE.findall(plain) for word in words(code)}


def marks(plain: str) -> set[str]:
    """The codes of a sentence without its numbers, which are compared as figures: "1,60" is "1.60"."""
    return {word for word in codes(plain) if not word.isdigit()}


def _names(plain: str, text: str) -> set[str]:
    """The words of the names in a sentence in the language of `text`."""
    if not _is_german(text):
        return {word for name in _NAME.findall(plain) for word in words(name)} - _ENDINGS
    return marks(plain) | {word for run in _NAMED.finditer(plain) for word in words(" ".join(_named(run)))}


def _named(run: re.Match[str]) -> list[str]:
    """The words of a run of capitalised words but the first, which is a noun or a given name.

    Polite pronouns are no part of it, nor is what begins the sentence unless it looks like a name.
    """
    all_words = [word for word in run.group().split() if not _is_before_noun(word.casefold())]
    begins = run.start() == 0 and len(all_words) == len(run.group().split())
    return all_words[2 if begins and all_words[0].endswith(("e", "en", "er", "es")) else 1 :]


def _is_before_noun(word: str) -> bool:
    return word in _BEFORE_NOUN or is_number(word)


@remembered
def _is_german(text: str) -> bool:
    """Whether a text is German by its commonest words, which its tables lack."""
    found = list(words(tables.without_rows(text) or text))
    return sum(word in _GERMAN for word in found) >= max(2, _GERMAN_SHARE * len(found))


def stems(all_words: Iterable[str]) -> frozenset[str]:
    """The stems of these words."""
    return frozenset(map(stem, all_words))
