"""Passages that talk to the model instead of the reader, such as "ignore previous instructions".

Each sentence is folded (small letters, no accents, look-alike letters, spaced and leet spellings undone) and scored
by the formulas it holds; sentences that stand together strengthen each other. A text about such attacks, or a
formula in quotation marks, needs twice the evidence, so that articles and policies pass. This finds clumsy and common
attacks; a text that argues well passes, which is why what was retrieved never has a say in what a model may do.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gpts.knowledge.documents import Block, Document, Finding
from gpts.knowledge.sentences import Span, sentence_spans
from gpts.safety.findings import excerpt, finding_id
from gpts.safety.formulas import FORMULAS, STEMS, Formula, plain

# Chosen on the even half of the passages in tests/gpts/safety/passages.py, reported on the odd half.
_ENOUGH: Final = 0.99
# A sentence adds this share of its weight to its neighbours, and needs so much of its own.
_NEIGHBOURS: Final = 0.75
_OF_ITS_OWN: Final = 0.4
# Of the formulas of one family the heaviest counts in full, the others by this share.
_AGAIN: Final = 0.5
_WEIGHTY: Final = 0.7
_DISCOUNT: Final = 0.5
_MAX_FINDINGS: Final = 100
# Scripts for people, too, say what to answer when somebody asks, time after time.
_ANSWERS: Final = frozenset({"steer"})

# Cyrillic, Greek and phonetic letters, and small capitals, by the Latin letter that they pass for.
_LOOK_ALIKES: Final = str.maketrans(
    "абвгеезикмнорстухѕіјԁһԛԝүαβγεηικνορτυχωɡɩɪʀɴʟʏʙɢʜıᴀᴄᴅᴇꜰᴊᴋᴍᴏᴘꜱᴛᴜᴠᴡᴢ",
    "abbreezukmhopctyxsijdhqwyabyeniknoptuxwgiirnlybghiacdefjkmopstuvwz",
)
_LEET: Final = str.maketrans("013457@$!|", "oieastasil")
_MIXED: Final = re.compile(
    r"[a-z][\u0370-\u03ff\u0400-\u052f\u0250-\u02af]|[\u0370-\u03ff\u0400-\u052f\u0250-\u02af][a-z]"
)
_ODD_LATIN: Final = re.compile(r"[\u0250-\u02af\u1d00-\u1d7f\ua730\ua731]")
_DIGIT_IN_WORD: Final = re.compile(r"[a-z][013457@$!|][a-z]|\b[013457@$][a-z]{2}")
_SPACED: Final = re.compile(r"(?<![^\W_])(?:[^\W\d_](?:[ ._*\u00b7-]|  )){4,}[^\W\d_](?![^\W_])")
_ABOUT: Final = re.compile(
    r"prompt[- ]injection|injection attack|injected (?:prompt|instruction|text)|jailbreak(?:s|ing)?\b|attackers?\b|"
    r"adversar|malicious|red[- ]team|guardrail|phishing|vulnerabilit|phrases? (?:like|such as)|attacks?\b|"
    r"angriff|angreifer|attaque|ataque|attacco|aanval|атак|攻击|攻撃|注入"
)
_QUOTED: Final = re.compile('["“”„«»‹›‘’`「『].{3,400}?["“”»«’`」』]')


@dataclass(frozen=True, slots=True)
class _Sentence:
    span: Span
    weight: float
    families: frozenset[str]


def speaking_to_models(document: Document) -> Iterator[Finding]:
    """Findings for the sentences that speak to a model, but for those that are under another finding already."""
    covered = [span for each in document.findings if each.severity == "quarantine" for span in each.spans]
    start = n = 0
    for block in document.blocks:
        for span in addressed(block.text):
            at = (start + span[0], start + span[1])
            if not any(a <= at[0] and at[1] <= b for a, b in covered) and n < _MAX_FINDINGS:
                n += 1
                yield _finding(block, block.text[span[0] : span[1]], at)
        start += len(block.text) + 2


def speaks_to_a_model(text: str) -> bool:
    """Whether any part of `text` is addressed to a model."""
    return next(iter(addressed(text)), None) is not None


def addressed(text: str) -> list[tuple[int, int]]:
    """The ranges of `text`, whole sentences, that speak to a model; neighbours are one range."""
    folded = plain(text)
    if not _is_worth_reading(folded):
        return []
    discount = _DISCOUNT if _ABOUT.search(folded) else 1.0
    sentences = [_weighed(text, span) for span in sentence_spans(text)]
    flagged = [each.span for n, each in enumerate(sentences) if _is_enough(sentences, n, discount)]
    return _joined(text, flagged)


def _is_worth_reading(folded: str) -> bool:
    return any(stem in folded for stem in STEMS) or bool(_is_disguised(folded))


def _is_disguised(folded: str) -> bool:
    return any(sign.search(folded) for sign in (_SPACED, _MIXED, _ODD_LATIN, _DIGIT_IN_WORD))


def _weighed(text: str, span: Span) -> _Sentence:
    sentence = text[span.start : span.end]
    best = _Sentence(span, 0.0, frozenset())
    for reading in readings(sentence):
        weights: dict[str, list[float]] = {}
        for formula in FORMULAS:
            if weight := _weight(formula, reading):
                weights.setdefault(formula.family, []).append(weight)
        total = sum(max(each) + _AGAIN * (sum(each) - max(each)) for each in weights.values())
        if total > best.weight:
            best = _Sentence(span, total, frozenset(weights))
    return best


def readings(sentence: str) -> list[str]:
    """`sentence` as it is read: folded, and with its disguises undone if it wears any."""
    folded = plain(sentence)
    found = [folded]
    if not _is_disguised(folded):
        return found
    undone = _unspaced(folded.translate(_LOOK_ALIKES))
    found += [undone, _unspaced(undone.translate(_LEET))]
    return list(dict.fromkeys(found))


def _unspaced(text: str) -> str:
    """`text` with words written letter by letter put together; two spaces or more part such words."""
    return _SPACED.sub(
        lambda match: re.sub(r"(?<=[^\W\d_])[ ._*\u00b7-](?=[^\W\d_])", "", match[0]).replace("  ", " "), text
    )


def _weight(formula: Formula, reading: str) -> float:
    if not any(need in reading for need in formula.needs):
        return 0.0
    match = formula.pattern.search(reading)
    if match is None:
        return 0.0
    quoted = any(quote.start() < match.start() and match.end() < quote.end() for quote in _QUOTED.finditer(reading))
    return formula.weight * (_DISCOUNT if quoted else 1.0)


def _is_enough(sentences: Sequence[_Sentence], n: int, discount: float) -> bool:
    """Whether the sentence carries enough itself, or enough with what its neighbours say in other ways."""
    own = sentences[n]
    if own.weight * discount >= _ENOUGH:
        return True
    if own.weight < _OF_ITS_OWN:
        return False
    near = (*sentences[max(0, n - 2) : n], *sentences[n + 1 : n + 3])
    told = sum(each.weight for each in near if _adds(each, own))
    return (own.weight + _NEIGHBOURS * told) * discount >= _ENOUGH


def _adds(other: _Sentence, own: _Sentence) -> bool:
    """Whether `other` says something more: in another way, or weightily in the same."""
    if other.families - own.families:
        return True
    return other.weight >= _WEIGHTY and other.families != _ANSWERS


def _joined(text: str, spans: Sequence[Span]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and not text[joined[-1][1] : start].strip():
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _finding(block: Block, text: str, span: tuple[int, int]) -> Finding:
    return Finding(
        id=finding_id("speaks_to_model", block.page, text),
        kind="speaks_to_model",
        severity="quarantine",
        message="This passage speaks to a model rather than to a reader.",
        excerpt=excerpt(text),
        spans=(span,),
        page=block.page,
        heading=block.heading,
    )
