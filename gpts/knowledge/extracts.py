"""The sentences and rows of the files that are closest to a question, as an answer made of nothing else."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, pairwise, takewhile
from math import isnan
from typing import Final

from gpts.knowledge import tables
from gpts.knowledge.citations import numbered
from gpts.knowledge.documents import Citation, Passage
from gpts.knowledge.expected import MANY_TERMS
from gpts.knowledge.sentences import Span
from gpts.knowledge.support import (
    NUMBERED_TITLE,
    Source,
    compared_terms,
    is_title,
    share,
    source_rarity,
    sources_of,
)
from gpts.knowledge.terms import is_code, terms
from gpts.values import Value

# Cosines of each first text with each second text, shape (n_first, n_second); NaN where one cannot be read.
Similarity = Callable[[Sequence[str], Sequence[str]], Sequence[Sequence[float]]]
# A text of a question or a file in the language in which both are compared.
Translate = Callable[[str], str]
# The log-odds that each text answers a question, above 0 if it is more likely than not.
Reads = Callable[[str, Sequence[str]], Sequence[float]]

# The weight that a title repeating the question adds to the sentences under it.
TITLE_WEIGHT: Final = 0.6
# The share of its words that a sentence may have from the one before it. With that, and the meaning compared in this
# context too, the best of some thirty sentences answers 64 % of 118 questions, one of the best two 79 % (alone 58 and
# 76; dialogues, 2026-11).
BEFORE_WEIGHT: Final = 0.3
# What words count in a sentence without the code of the question, if another has it.
CODE_SHARE: Final = 0.5
# What stands for the cosine of a sentence that the embedder cannot read, in shares of words: at 2, 32 and 47 % of 19
# Russian and Arabic questions, as written and with typos, are declined, at 3, 21 and 26 %; none of 7 others answered.
UNREAD_WEIGHT: Final = 3.0
# How many of the closest sentences are read together with the question, and what one loses of its score for each of
# the log-odds that it answers less likely than the likeliest.
READ_SENTENCES: Final = 8
ODDS_WEIGHT: Final = 0.07
# An extract takes only sentences that score at least this share of the best one.
EXTRACT_SHARE: Final = 0.8
# The sentence that the best one is compared with: an answer may have three. By the lead 83 % of pairs of a question
# with an answer and a near miss of cases-dev are told apart, by the score 73 % (SQuAD: 61 each, 2026-11).
RIVAL: Final = 4
# What a passage's place in the search adds to the score of its sentences.
RANK_WEIGHT: Final = 0.06
# From the first score the closest sentences are offered although they may not answer, those with at least the second
# share of it: of 258 questions of dialogues 86 % reach it, and 21 % of those about other files (2026-11).
CLOSE_SCORE: Final = 0.2
CLOSE_SHARE: Final = 0.5

_LIST_MARK: Final = re.compile(r"[-*+•]\s|\(?(?:\d{1,3}|[a-z])[.)]\s")
# A longer list is not given whole.
MOST_LINES: Final = 20
# Questions that all steps answer.
_HOW_TO: Final = re.compile(
    r"\bhow (?:do|does|can|could|should|to|is|are|would)\b|\b(?:steps|instructions|procedure|ingredients|zutaten)\b"
    r"|\bwie (?:kann|muss|soll|mach|funktioniert|wird|werden|geht)|\bcómo\b|\bcomment (?:faire|puis|peut|on)\b"
    r"|\bcome (?:si|posso|faccio)\b|(?:^|\W)как(?: |$)|كيف|怎么|如何"
    r"|\bwhat now\b|\bwhat (?:do|should|can|must) (?:i|we) do\b|\bwas (?:jetzt|tun)\b|\bque faire\b|\bqué hago\b",
    re.IGNORECASE,
)
_STOPPED: Final = re.compile(r"[.!?…。！？][\"'”’)\]]*$")


class Extract(Value):
    """An answer made of literal sentences and rows of the passages, each with its citation.

    `score` is how close the best of them is to the question, by words and meaning; 0 if there are none. `lead` is how
    much closer it is than the fourth best: nothing stands out where no sentence answers. `odds` are the log-odds that
    a sentence answers; 0 if nothing tells.
    """

    text: str
    citations: tuple[Citation, ...]
    score: float = 0.0
    lead: float = 0.0
    odds: float = 0.0


def asks_how(question: str) -> bool:
    """Whether all steps answer `question`."""
    return bool(_HOW_TO.search(question))


class Closeness:
    """How close each sentence of `passages` is to `question`, for any number of extracts.

    `own_words`: the part of the question that the person wrote, if the rest is from the conversation before;
    closeness to either counts half. Words in common count in the original or, if that is more, once `translate` has
    brought both to one language.
    """

    def __init__(
        self,
        question: str,
        passages: Sequence[Passage],
        similarity: Similarity | None = None,
        own_words: str = "",
        translate: Translate | None = None,
        reads: Reads | None = None,
    ) -> None:
        self._sentences = sources_of(passages, pairs=False)
        self._sources = [each for each in self._sentences if _is_informative(each)] or self._sentences
        own = own_words or question
        similarity = similarity if self._sources else None
        scores = _question_scores(question, self._sources, similarity, translate)
        if own != question and terms(own):
            others = _question_scores(own, self._sources, similarity, translate)
            scores = [(score + other) / 2 for score, other in zip(scores, others, strict=True)]
        self._close = scores
        closest = [*sorted(scores, reverse=True)[:RIVAL], *([0.0] * RIVAL)]
        self._rival, self._odds = closest[RIVAL - 1], 0.0
        if reads and self._sources:
            odds = self._read(reads, question, translate)
            least, self._odds = min(odds.values()), max(odds.values())
            scores = [score - ODDS_WEIGHT * (self._odds - odds.get(i, least)) for i, score in enumerate(scores)]
        self._order = _best_first(scores)
        self._asked = [f"{each} {translate(each)}" if translate else each for each in (own, question)]
        self._all_of_one = asks_how(question)

    def _read(self, reads: Reads, question: str, translate: Translate | None) -> dict[int, float]:
        """The log-odds that each of the closest sentences answers `question`, by its number."""
        before = _before(self._sources)
        numbers = _best_first(self._close)[:READ_SENTENCES]
        texts = [_in_context(self._sources[i], before[i], named=True) for i in numbers]
        if translate:
            question, texts = translate(question), list(map(translate, texts))
        return dict(zip(numbers, reads(question, texts), strict=True))

    def extract(self, least_share: float = EXTRACT_SHARE, max_sentences: int = 3) -> Extract:
        """The closest sentences in document order, as a cited answer; empty without any.

        They score at least `least_share` of the best one.
        """
        if not self._sources:
            return Extract(text="", citations=())
        score = self._close[self._order[0]]
        least = min(score, least_share * score)  # of a score below 0, a share is more
        near = [i for i in self._order[:max_sentences] if self._close[i] >= least]
        best = {i: self._sources[i] for i in near}
        for asked in self._asked:
            best = _without_other_rows(best, asked)
        chosen = [self._sources[i] for i in sorted(best)]
        found = _with_their_lines(chosen, self._sentences, all_of_one=self._all_of_one)
        return quoted(found, score, score - self._rival, self._odds)


def _best_first(scores: Sequence[float]) -> list[int]:
    return sorted(range(len(scores)), key=lambda i: -scores[i])


def quoted(sources: Sequence[Source], score: float, lead: float, odds: float = 0.0) -> Extract:
    """These sources as a cited answer, repeated ones once."""
    spans: list[tuple[Span, Source]] = []
    text = ""
    for source in {each.text: each for each in sources}.values():
        # A sentence without a stop, such as a row, would merge with the next and match neither source.
        text += "" if not text else " " if _STOPPED.search(text) and source.readable == source.text else "\n\n"
        shown = _in_words(source)
        text += shown
        spans.append((Span(len(text) - len(shown), len(text)), source))
    return Extract(text=text, citations=numbered(spans), score=score, lead=lead, odds=odds)


def _in_words(source: Source) -> str:
    """The text of a source as people read it: a row without its bars."""
    if not tables.is_row(source.text) or not source.readable:
        return source.readable
    above = source.passage.text[: source.span.start].rstrip("\n").splitlines()
    rows = [*takewhile(tables.is_row, reversed(above))]
    is_labelled = source.readable == tables.labelled(rows[-1], source.text) if rows else False
    return tables.sentence(rows[-1] if is_labelled else "", source.text)


def _without_other_rows(found: Mapping[int, Source], question: str) -> dict[int, Source]:
    """`found`, best first, without the rows that `question` does not mean.

    They lack its numbers and codes that the best one has, or name less of it than another row.
    """
    wanted = frozenset(terms(question))
    marks = {term for term in wanted if any(map(str.isdigit, term))} & next(iter(found.values())).terms
    kept = {i: each for i, each in found.items() if not tables.is_row(each.text) or marks <= each.terms}
    named = {i: wanted.intersection(terms(each.text)) for i, each in kept.items() if tables.is_row(each.text)}
    others = {i for i, own in named.items() if any(own < more for more in named.values())}
    return {i: each for i, each in kept.items() if i not in others}


def closest(
    question: str, passages: Sequence[Passage], similarity: Similarity | None = None, reads: Reads | None = None
) -> tuple[Citation, ...]:
    """The sentences closest to a question that an answer declines, at most three and none that are far from it.

    They are no part of the answer: `answer_start` and `answer_end` are 0.
    """
    found = Closeness(question, passages, similarity, reads=reads).extract(CLOSE_SHARE)
    if found.score < CLOSE_SCORE:
        return ()
    return tuple(each.model_copy(update={"answer_start": 0, "answer_end": 0}) for each in found.citations)


def _with_their_lines(best: Sequence[Source], all_sources: Sequence[Source], *, all_of_one: bool) -> list[Source]:
    """`best` with a list or code in place of its lines, if two of them are chosen or, with `all_of_one`, one.

    A list also follows the sentence that introduces it.
    """
    number = {id(each): n for n, each in enumerate(all_sources)}
    chosen = {number[id(each)] for each in best}
    pairs = list(pairwise(all_sources))
    introduced = {n + 1 for n in chosen if n < len(pairs) and _introduces(*pairs[n])}
    found: dict[int, Source] = {}
    for place in sorted(chosen | introduced):
        first = last = place
        while first and _is_next_line(all_sources[first - 1], all_sources[first]):
            first -= 1
        while last + 1 < len(all_sources) and _is_next_line(all_sources[last], all_sources[last + 1]):
            last += 1
        lines = range(first, last + 1)
        is_whole = len(chosen.intersection(lines)) > 1 - all_of_one or not introduced.isdisjoint(lines)
        if first < last < first + MOST_LINES and is_whole:
            found[first] = _joint(all_sources[first], all_sources[last])
        else:
            found[place] = all_sources[place]
    return list(found.values())


def _joint(first: Source, last: Source) -> Source:
    """All lines of a passage from `first` to `last`."""
    span = Span(first.span.start, last.span.end)
    text = first.passage.text[span.start : span.end]
    return replace(first, span=span, text=text, readable=text)


def _introduces(one: Source, other: Source) -> bool:
    """Whether `one` ends in a colon before the list that begins with `other`."""
    return one.passage is other.passage and one.text.endswith(":") and bool(_LIST_MARK.match(other.text))


def _is_next_line(one: Source, other: Source) -> bool:
    """Whether `other` is the next line of a list or of code, but no row of a table."""
    between = one.passage.text[one.span.end : other.span.start]
    is_below = one.passage is other.passage and one.span.end < other.span.start and not between.strip()
    if not is_below or tables.is_row(one.text) or tables.is_row(other.text):
        return False
    return between.strip(" ") == "\n" or bool(_LIST_MARK.match(one.text) and _LIST_MARK.match(other.text))


def _is_informative(source: Source) -> bool:
    passage = source.passage
    heading = passage.heading_at(passage.start + source.span.start).rsplit(" > ", 1)[-1]
    is_heading = source.text == heading or is_title(passage.text, source.span)
    is_heading = is_heading or bool(NUMBERED_TITLE.fullmatch(source.readable))
    return (
        bool(source.readable)
        and len(source.terms) > 1
        and not is_heading
        and not source.readable.endswith(("?", "？"))
    )


def _question_scores(
    question: str, sources: Sequence[Source], similarity: Similarity | None, translate: Translate | None
) -> list[float]:
    """How close each source is to `question`: by words and meaning, alone and with what leads to it."""
    words, asked, read = _word_scores(question, sources), question, sources
    if translate:
        asked, read = translate(question), [_translated(source, translate) for source in sources]
        words = list(map(max, words, _word_scores(asked, read)))
    cosines = [UNREAD_WEIGHT * word for word in words]
    if similarity:
        texts = [[each.readable, _in_context(each, before)] for each, before in zip(read, _before(read), strict=True)]
        rows = similarity([asked], [*chain.from_iterable(texts)])[0]
        both = [(alone + within) / 2 for alone, within in zip(rows[::2], rows[1::2], strict=True)]
        cosines = [known if isnan(cosine) else cosine for cosine, known in zip(both, cosines, strict=True)]
    return [
        word + cosine / 2 + RANK_WEIGHT * source.passage.score
        for word, cosine, source in zip(words, cosines, sources, strict=True)
    ]


def _word_scores(question: str, sources: Sequence[Source]) -> list[float]:
    """What the words that `question` shares with each source, the one before it and its title add to its score."""
    rarity = source_rarity(sources)
    wanted = frozenset(compared_terms(question))
    if len(wanted) > MANY_TERMS:
        wanted &= rarity.keys()
    codes = {term for term in wanted & rarity.keys() if is_code(term)}
    # "And the Plover?": among several files, a file's name is a title over all of it.
    several = len({source.passage.file_id for source in sources}) > 1
    scores: list[float] = []
    for source, before in zip(sources, _before(sources), strict=True):
        name = source.passage.file_name.rsplit(".", 1)[0] if several else ""
        around = source.terms | before.terms if before else source.terms
        own = (1 - BEFORE_WEIGHT) * share(wanted, source.terms, rarity) + BEFORE_WEIGHT * share(
            wanted, around, rarity
        )
        title = frozenset(terms(f"{source.title} {name}"))
        is_other = codes and codes.isdisjoint(around) and codes.isdisjoint(title)
        score = own / 2 + TITLE_WEIGHT * share(wanted, title, rarity)
        scores.append(CODE_SHARE * score if is_other else score)
    return scores


def _before(sources: Sequence[Source]) -> list[Source | None]:
    """The sentence before each of `sources` under the same title, if there is one."""
    pairs = zip(sources, [None, *sources], strict=False)
    return [
        other if other and other.passage is each.passage and other.title == each.title else None
        for each, other in pairs
    ]


def _in_context(source: Source, before: Source | None, *, named: bool = False) -> str:
    """A sentence with its title and the sentence before it, which may name what it is about.

    `named`: also with the name of its file.
    """
    name = source.passage.file_name.rsplit(".", 1)[0] if named else ""
    return f"{', '.join(filter(None, (name, source.title)))}: {before.readable if before else ''} {source.readable}"


def _translated(source: Source, translate: Translate) -> Source:
    text = translate(source.readable)
    return replace(source, readable=text, terms=frozenset(compared_terms(text)), title=translate(source.title))
