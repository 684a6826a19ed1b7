"""Whether the passages support a sentence, and where: decided by code, never by a generative model.

Words are compared, numbers and names are checked, and meanings are compared if the embedder reads both texts. The
embedder cannot distinguish a sentence from its opposite, nor who did what to whom: negations are checked separately,
and support by similar meaning alone counts as partial. If the languages of answer and files cannot be compared, no
judgement is made either way.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import nlargest
from typing import Final, Literal, Protocol

from gpts.knowledge import tables
from gpts.knowledge.calculations import Derivation
from gpts.knowledge.documents import Passage, Support
from gpts.knowledge.editions import names_source
from gpts.knowledge.figures import StatedFigure, figures, figures_agree, forms
from gpts.knowledge.superlatives import extreme
from gpts.knowledge.support import (
    PRICE_TERMS,
    SUPPORTED_OVERLAP,
    Source,
    adds_nothing,
    agrees,
    claims,
    claims_at,
    compared_terms,
    is_opposed,
    is_word_for_word,
    plain,
    share,
    source_rarity,
    sources_of,
    stems,
    supports,
)
from gpts.knowledge.terms import HAN, is_code, words

# The share of a sentence's terms, weighted by rarity, that its source must contain to be cited at all; the share from
# which meaning is not compared; the least mean of that share and the cosine where it is. Chosen among 19 settings on
# 249 XQuAD answers (2026-11), each as "The answer is ...", as its own sentence with half of the words removed, after
# the question, and in a long frame: 99, 99, 86 and 58 % are cited, and 98 % of the citations contain the gold answer;
# of sentences from elsewhere in the article 0.5 % are cited.
MIN_OVERLAP: Final = 0.5
SURE_OVERLAP: Final = 0.85
MIN_SUPPORT: Final = 0.45
# Cosines from which a sentence that shares few words with its source is partly or fully supported; and the cosine
# that its part beyond the question must reach. Chosen on 50 paraphrases of XQuAD sentences, 50 sentences that state
# something else on the same matter, and the paraphrases against other paragraphs of their article (2026-11).
NEAR: Final = 0.6
SAME: Final = 0.75
NEAR_BEYOND: Final = 0.28
# The least mean of the share of words and the cosine where answer and passage are brought to one language by word:
# of 27 right and 26 subtly wrong sentences in four languages 16 and 2 reach it, at 0.5 21 and 4 (2026-11).
GLOSS_SUPPORT: Final = 0.54
# Characters that a model must quote of a source.
LEAST_QUOTED: Final = 8
# Words of the question break ties between sources; a pair of sentences must clearly beat a single one.
QUESTION_WEIGHT: Final = 0.1
PAIR_COST: Final = 0.1
# Sources per sentence that share most words with it, whose figures and names are compared.
MOST_ALIKE: Final = 500
# Sources per sentence, ranked by words, whose meaning is compared.
SHORTLIST: Final = 6
# Sentences of the passages whose meaning is compared with those of an answer that words leave open: of more, which
# take some 10 ms each, those that share most words with each.
COMPARED: Final = 600
# What of rank, or of cosine, the sources of a sentence may lack to be as good as the best: the same in two editions.
TIED: Final = 0.15
TIED_COSINE: Final = 0.03

# "How much is a sticker?" asks what it costs.
_ASKS_PRICE: Final = re.compile(r"\b(?:how much|wie ?viel|combien|cuánto)\b", re.IGNORECASE)

# Characters of the passages whose language is compared with that of the answer.
_READ_CHARS: Final = 2_000
# Characters of a question whose figures may be calculated with.
_ASKED_CHARS: Final = 1_000
_HAN: Final = re.compile(f"[{HAN}]")
_WORDS: Final = re.compile(r"[^\W_]+")
# How often something is taken, which is said at no one place: twelve months, two persons.
_COUNT: Final = re.compile(r"[1-9]|[12]\d|3[01]|60|100")

# How an answer and a passage can be compared. "meaning": the embedder reads both, in one language; "translation": it
# reads both, in two languages; "words": it does not read the language of both; "nothing".
Comparison = Literal["meaning", "translation", "words", "nothing"]


class Meaning(Protocol):
    """What comparing meanings requires: an embedder and language detection."""

    def similarity(self, one: Sequence[str], other: Sequence[str]) -> Sequence[Sequence[float]]:
        """Similarity of each text of `one` to each of `other`: at most 1, about 0 for unrelated texts."""

    def comparison(self, text: str, passage: str) -> Comparison:
        """How an answer's text and a passage can be compared."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far a sentence is supported, and by which source. `tied` are those that are as good, with that one."""

    level: Support
    source: Source | None = None
    tied: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Gloss:
    """How a sentence of an answer and one of the passages are brought to one language, word by word."""

    answer: Callable[[str], str]
    passage: Callable[[str], str]


# Makes a gloss for an answer where one is needed, which takes time; None if it and the passages are in one language.
MakeGloss = Callable[[str], Gloss | None]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A possible source of a sentence: the share of its terms there, whether it contains all of it, and the rank.

    `is_named`: the sentence names it as its source, of others. `is_same`: it has the sentence word for word.
    """

    source: Source
    overlap: float
    is_full: bool
    rank: float
    is_named: bool = False
    is_same: bool = False

    @property
    def order(self) -> tuple[bool, bool, bool, float]:
        """What the best has most of."""
        return self.is_same, self.is_named, self.is_full, self.rank


class Known:
    """What `passages` have of names and figures, for answers to `question`."""

    def __init__(self, passages: Sequence[Passage], question: str = "", meaning: Meaning | None = None) -> None:
        self._passages = passages
        self._question = question[:_ASKED_CHARS]
        self._meaning = meaning

    def names_and_figures(self, sentence: str, around: str) -> tuple[Derivation, ...] | None:
        """How the figures of `sentence`, from `around`, follow that no passage has; None if one does not.

        Or if a name is in none.
        """
        is_same = self._comparison(around) in ("meaning", "words")
        return adds_nothing(
            sentence, self._text, self._stems, f"{self._question}\n{around}", is_translation=not is_same
        )

    @cached_property
    def _text(self) -> str:
        return "\n".join(f"{each.file_name} {each.heading} {each.text}" for each in self._passages)

    @cached_property
    def _stems(self) -> frozenset[str]:
        return stems(words(self._text))

    def _comparison(self, text: str) -> Comparison:
        return self._meaning.comparison(text, self._text[:_READ_CHARS]) if self._meaning else "meaning"


class Judge:
    """Judges the sentences of answers to `question` by `passages`; without a `meaning`, by words alone.

    With a `gloss`, what is in another language than the passages is also compared word by word.
    """

    def __init__(
        self,
        passages: Sequence[Passage],
        question: str = "",
        meaning: Meaning | None = None,
        gloss: MakeGloss = lambda answer: None,
    ) -> None:
        self._passages = passages
        self._sources = _meant(question, sources_of(passages))
        self._rarity = source_rarity(self._sources)
        self._question = question
        self._query = frozenset(compared_terms(question)).union(PRICE_TERMS if _ASKS_PRICE.search(question) else ())
        self._codes = frozenset(filter(is_code, self._query)) & self._rarity.keys()
        self._meaning = meaning
        self._make_gloss = gloss
        self._in_gloss: list[tuple[Source, Source]] | None = None

    def judge(self, sentences: Sequence[str], text: str) -> list[Verdict]:
        """The verdict on each of `sentences` of an answer's `text`."""
        found = [self._by_words(sentence) for sentence in sentences]
        doubtful = [n for n, each in enumerate(found) if max((one.overlap for one in each), default=0) < SURE_OVERLAP]
        verdicts = [_verdict(each) for each in found]
        if self._meaning is None or not doubtful:
            return verdicts
        comparisons = {id(each): self._meaning.comparison(text, each.text) for each in self._passages}
        for number, cosines in zip(doubtful, self._cosines(sentences, found, doubtful, comparisons), strict=True):
            verdict = self._by_meaning(sentences[number], found[number], cosines, comparisons)
            gloss = self._make_gloss(text) if verdict.source is None else None
            verdicts[number] = (gloss and self._by_gloss(sentences[number], gloss)) or verdict
        return verdicts

    def judge_parts(self, sentence: str, parts: Sequence[str]) -> list[Verdict]:
        """The verdict on each of the `parts` of a sentence that joins facts of several places; empty if any has none.

        A part need not repeat what the sentence is about.
        """
        found = [_verdict(self._by_words(part, sentence)) for part in parts]
        return found if all(each.source for each in found) else []

    def operands(self, sentence: str, near: Sequence[Source], formulas: Sequence[str]) -> list[Source]:
        """The sources of the figures of the `formulas` of `sentence`: of `near`, then of those that are about it."""
        about = frozenset(term for term in self._query.union(claims(sentence)) if not term[0].isdigit())
        alike = (each for each in self._sources if not each.is_pair and not about.isdisjoint(each.terms))
        sources = [*near, *sorted(alike, key=lambda each: -share(about, each.terms, self._rarity))]
        stated = [(text[each.start : each.end], each) for text in formulas for each in figures(text) if each.ways]
        telling = [each for written, each in stated if not _COUNT.fullmatch(written)] or [each for _, each in stated]
        giving = (next((one for one in sources if _gives(one, each)), None) for each in telling)
        return [*dict.fromkeys(filter(None, giving))] or [*near[:1]]

    def with_words(self, quoted: str, sentence: str) -> list[Source]:
        """The sources with all words that a model `quoted` for `sentence` in a row, best first."""
        wanted = _phrase(quoted)
        if len(wanted.replace(" ", "")) + len(_HAN.findall(wanted)) < LEAST_QUOTED:
            return []
        own = frozenset(claims(sentence))
        found = [each for each, phrase in self._phrases if wanted in phrase]
        rank = {id(each): (each.is_pair, not agrees(sentence, each)) for each in found}
        return sorted(found, key=lambda each: (rank[id(each)], -share(own, each.terms, self._rarity)))

    @cached_property
    def _phrases(self) -> list[tuple[Source, str]]:
        """Each source with its words in a row."""
        return [(each, _phrase(each.text)) for each in self._sources]

    def _by_words(self, sentence: str, whole: str = "") -> list[_Candidate]:
        """The possible sources of `sentence`, a part of `whole`: they agree with it and have enough of its terms."""
        about = self._query | frozenset(claims(whole))
        everything = frozenset(claims(sentence))
        alike: list[tuple[float, Source]] = []
        # "1 hour" on P2 is not from the row of P3.
        codes = frozenset() if any(map(is_code, everything)) else self._codes
        for source in self._sources:
            is_other_row = codes and tables.is_row(source.text) and codes.isdisjoint(source.terms)
            if is_other_row or source.is_heading or everything.isdisjoint(source.terms):
                continue
            own = frozenset(claims_at(sentence, source))
            overlap = share(own, source.terms, self._rarity)
            if overlap >= MIN_OVERLAP:
                alike.append((overlap, source))
        if len(alike) > MOST_ALIKE:
            alike = nlargest(MOST_ALIKE, alike, key=lambda each: each[0])
        found: list[_Candidate] = []
        for overlap, source in alike:
            if agrees(sentence, source):
                cost = PAIR_COST * source.is_pair - QUESTION_WEIGHT * share(about, source.terms, self._rarity)
                is_full = supports(sentence, source, self._rarity)
                is_same = is_full and is_word_for_word(sentence, source)
                found.append(_Candidate(source, overlap, is_full, overlap - cost, is_same=is_same))
        named = {found[n].source.place for n in names_source(sentence, [one.source.place for one in found])}
        found = [replace(one, is_named=one.source.place in named) for one in found]
        return sorted(found, key=lambda one: one.order, reverse=True)[:SHORTLIST]

    def _glossed(self, gloss: Gloss) -> list[tuple[Source, Source]]:
        """Each source, and what it is in the language of the comparison, whatever that of the answer is."""
        if self._in_gloss is None:
            found = ((each, gloss.passage(each.readable)) for each in self._sources if each.readable)
            self._in_gloss = [
                (each, replace(each, readable=text, terms=frozenset(compared_terms(text)))) for each, text in found
            ]
        return self._in_gloss

    def _by_gloss(self, sentence: str, gloss: Gloss) -> Verdict | None:
        """The source closest to `sentence` word by word that agrees with it; None if none is close."""
        assert self._meaning is not None
        pairs = self._glossed(gloss)
        said, rarity = gloss.answer(sentence), source_rarity([each for _, each in pairs])
        own = frozenset(claims(said))
        found = [
            (share(own, glossed.terms, rarity), source, glossed)
            for source, glossed in pairs
            if agrees(sentence, source, is_translation=True) and not is_opposed(said, glossed)
        ]
        found = sorted(found, key=lambda each: -each[0])[:SHORTLIST]
        cosines = self._meaning.similarity([said], [glossed.readable for _, _, glossed in found])[0] if found else ()
        ranks = [
            (overlap + cosine) / 2 - PAIR_COST * source.is_pair
            for (overlap, source, _), cosine in zip(found, cosines, strict=True)
        ]
        best = max(range(len(ranks)), key=lambda n: ranks[n], default=-1)
        if best < 0 or ranks[best] < GLOSS_SUPPORT:
            return None
        level: Support = "supported" if found[best][0] >= SUPPORTED_OVERLAP else "partly"
        tied = (n for n in range(len(ranks)) if ranks[n] >= ranks[best] - TIED_COSINE)
        sources = tuple(found[n][1] for n in sorted(tied, key=lambda n: -ranks[n]))
        return Verdict(level, sources[0], tied=sources)

    def _cosines(
        self,
        sentences: Sequence[str],
        found: Sequence[Sequence[_Candidate]],
        doubtful: Sequence[int],
        comparisons: dict[int, Comparison],
    ) -> Iterator[dict[str, float]]:
        """The similarity of each doubtful sentence to every comparable sentence and to its candidates."""
        assert self._meaning is not None
        singles = [each for each in self._sources if not each.is_pair and _is_read(each, comparisons)]
        if len(singles) > COMPARED:
            n = COMPARED // len(doubtful)
            singles = [source for number in doubtful for source in self._alike(sentences[number], singles, n)]
        candidates = (one.source for number in doubtful for one in found[number])
        texts = list(dict.fromkeys(each.readable for each in (*singles, *candidates) if each.readable))
        rows = self._meaning.similarity([sentences[number] for number in doubtful], texts) if texts else []
        yield from (dict(zip(texts, row, strict=True)) for row in rows or [[]] * len(doubtful))

    def _alike(self, sentence: str, sources: Sequence[Source], n: int) -> list[Source]:
        """The `n` of the sources that share most words with `sentence`."""
        own = frozenset(claims(sentence))
        some = (each for each in sources if not own.isdisjoint(each.terms))
        return nlargest(n, some, key=lambda each: share(own, each.terms, self._rarity))

    def _by_meaning(
        self,
        sentence: str,
        candidates: Sequence[_Candidate],
        cosines: dict[str, float],
        comparisons: dict[int, Comparison],
    ) -> Verdict:
        kept = [
            replace(each, rank=each.rank + cosines.get(each.source.readable, 0.0))
            for each in candidates
            if not _is_read(each.source, comparisons)
            or (each.overlap + cosines.get(each.source.readable, 0.0)) / 2 >= MIN_SUPPORT
        ]
        verdict = _verdict(kept)
        near = self._nearest(sentence, cosines, comparisons)
        if verdict.level == "supported":
            return verdict
        if near is not None:
            return near
        if verdict.source is None and self._is_beyond_judging(sentence, comparisons):
            return Verdict("not_checked")
        return verdict

    def _nearest(
        self, sentence: str, cosines: dict[str, float], comparisons: dict[int, Comparison]
    ) -> Verdict | None:
        """The source closest in meaning to `sentence` with agreeing figures and names, if there is one."""
        near = [each for each in self._sources if cosines.get(each.readable, 0.0) >= NEAR and not each.is_heading]
        tied: list[Source] = []
        for source in sorted(near, key=lambda each: -cosines[each.readable]):
            if tied and cosines[source.readable] < cosines[tied[0].readable] - TIED_COSINE:
                break
            comparison = comparisons[id(source.passage)]
            if not _is_read(source, comparisons) or is_opposed(sentence, source):
                continue
            if agrees(sentence, source, is_translation=comparison == "translation") and self._adds(sentence, source):
                tied.append(source)
        if not tied:
            return None
        level: Support = "supported" if cosines[tied[0].readable] >= SAME else "partly"
        return Verdict(level, tied[0], tied=tuple(tied))

    def _adds(self, sentence: str, source: Source) -> bool:
        """Whether the part of `sentence` beyond the question is close to the source too."""
        assert self._meaning is not None
        beyond = " ".join(word for word in sentence.split() if self._query.isdisjoint(compared_terms(word)))
        if not self._query or beyond == sentence or not claims(beyond):
            return True
        return self._meaning.similarity([beyond], [source.readable])[0][0] >= NEAR_BEYOND

    def _is_beyond_judging(self, sentence: str, comparisons: dict[int, Comparison]) -> bool:
        """Whether a passage in an incomparable language contains the figures of `sentence`, and so may support it."""
        unread = (each for each in self._passages if comparisons[id(each)] == "nothing")
        return any(figures_agree(sentence, f"{each.heading} {each.text}") for each in unread)


def _phrase(text: str) -> str:
    """The words of `text` in a row, each between spaces."""
    found = f" {' '.join(_WORDS.findall(plain(text).casefold()))} "
    return found.replace(" ", "") if _HAN.search(found) else found


def _gives(source: Source, figure: StatedFigure) -> bool:
    return figure.is_in(forms(f"{source.readable} {source.text}"))


def _meant(question: str, sources: list[Source]) -> list[Source]:
    """`sources` without the rows of a table that a superlative of the question does not mean."""
    best = extreme(question, "", "", [each for each in sources if not each.is_pair])
    if best is None or best.unknown:
        return sources
    others = {id(each) for each in best.others}
    return [each for each in sources if id(each) not in others]


def _is_read(source: Source, comparisons: dict[int, Comparison]) -> bool:
    return comparisons[id(source.passage)] in ("meaning", "translation")


def _verdict(candidates: Sequence[_Candidate]) -> Verdict:
    best = max(candidates, key=lambda one: one.order, default=None)
    if best is None:
        return Verdict("unsupported")
    tied = (one for one in candidates if one.order[:-1] == best.order[:-1] and one.rank >= best.rank - TIED)
    sources = tuple(one.source for one in sorted(tied, key=lambda one: -one.rank))
    return Verdict("supported" if best.is_full else "partly", sources[0], tied=sources)
