"""Flags sentences that seem to address the model instead of the reader, such as "ignore previous instructions".

Each sentence is folded (lower case, no accents; look-alike letters, spaced and leet spellings undone) and scored by
the formulas that it matches; nearby sentences reinforce each other. A text about such attacks, or a formula in
quotation marks, needs twice the evidence, so that articles and policies pass.

It knows fixed phrases only. Of 40 attacks written after them 45 % are found, of two public sets that nobody here had
seen 13 of 55 and 0 of 125. So a finding is only a hint: it is shown to the owner, and the text is labelled as
untrusted. A persuasive text passes, which is why retrieved text never decides what a model may do.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from gpts.knowledge.documents import Document, Finding
from gpts.knowledge.sentences import Span, sentence_spans
from gpts.safety.findings import finding
from gpts.safety.formulas import Formula, formulas, plain, possible

_ENOUGH: Final = 0.99
# The share of a sentence's weight that counts for its neighbours, and the least weight of its own.
_NEIGHBOURS: Final = 0.75
_OWN: Final = 0.4
# Of several formulas of one family the heaviest counts in full, the others by this share.
_REPEATED: Final = 0.5
_WEIGHTY: Final = 0.7
_DISCOUNT: Final = 0.5
_MAX_FINDINGS: Final = 100
_MESSAGE: Final = "This passage has a phrase often used to instruct a model. It is used as untrusted text."
# Scripts for people also say repeatedly what to answer.
_ANSWERS: Final = frozenset({"steer"})

_DATA: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_LOOK_ALIKES: Final = str.maketrans(*_DATA["look_alikes"])
_LEET: Final = str.maketrans("013457@$!|", "oieastasil")
_MIXED: Final = re.compile(
    r"[a-z][\u0370-\u03ff\u0400-\u052f\u0250-\u02af]|[\u0370-\u03ff\u0400-\u052f\u0250-\u02af][a-z]"
)
_ODD_LATIN: Final = re.compile(r"[\u0250-\u02af\u1d00-\u1d7f\ua730\ua731]")
# Begins with the rarest characters, for speed.
_DIGIT_IN_WORD: Final = re.compile(r"[013457@$!|](?:(?<=[a-z].)[a-z]|(?<=\b[013457@$])[a-z]{2})")
_SPACED: Final = re.compile(r"(?<![^\W_])(?:[^\W\d_](?:[ ._*\u00b7-]|  )){4,}[^\W\d_](?![^\W_])")
# Part of every such word and of hardly anything else, for speed.
_SPACED_CORE: Final = re.compile(r"[ ._*\u00b7-][^\W\d_](?:[ ._*\u00b7-]|  )[^\W\d_](?:[ ._*\u00b7-]|  )[^\W\d_]")
_ABOUT: Final = re.compile("|".join(_DATA["about"]))
_REPORTED: Final = re.compile(_DATA["reported"])
_QUOTED: Final = re.compile('["“”„«»‹›‘’`「『].{3,400}?["“”»«’`」』]')
# Of a sentence that is looked at as a whole; pieces of longer ones overlap by the length of a phrase.
PIECE_CHARS: Final = 500
OVERLAP_CHARS: Final = 100


@dataclass(frozen=True, slots=True)
class _Sentence:
    span: Span
    weight: float
    families: frozenset[str]


def addressing_findings(document: Document) -> Iterator[Finding]:
    """Findings for the sentences that address a model, except those in another finding."""
    covered = [span for each in document.findings if each.severity == "quarantine" for span in each.spans]
    found = ((offset, block, span) for offset, block in document.placed() for span in addressed(block.text))
    new = (
        finding("speaks_to_model", "hint", _MESSAGE, block.text[start:end], block, [(offset + start, offset + end)])
        for offset, block, (start, end) in found
        if not any(a <= offset + start and offset + end <= b for a, b in covered)
    )
    yield from islice(new, _MAX_FINDINGS)


def addresses_model(text: str) -> bool:
    """Whether any part of `text` addresses a model."""
    return bool(addressed(text))


def addressed(text: str) -> list[tuple[int, int]]:
    """The ranges of `text`, whole sentences, that address a model; adjacent ones are merged."""
    folded = plain(text)
    near = possible(formulas(), "\n".join(_readings(folded)))
    # Light formulas of a single family never add up (see _adds).
    if max((each.weight for each in near), default=0.0) < _WEIGHTY and len({each.family for each in near}) < 2:
        return []
    sentences = [_weighed(text, piece, near) for span in sentence_spans(text) for piece in _pieces(span)]
    if not any(each.weight >= _OWN for each in sentences):
        return []
    discount = _DISCOUNT if _ABOUT.search(folded) else 1.0
    return _joined(text, [each.span for n, each in enumerate(sentences) if _is_enough(sentences, n, discount)])


def _pieces(span: Span) -> Iterator[Span]:
    """The sentence, a very long one in pieces: some formulas take the square or cube of a text's length."""
    for start in range(span.start, span.end, PIECE_CHARS):
        yield Span(start, min(start + PIECE_CHARS + OVERLAP_CHARS, span.end))


def _is_disguised(folded: str) -> bool:
    if _DIGIT_IN_WORD.search(folded) or (_SPACED_CORE.search(folded) and _SPACED.search(folded)):
        return True
    return not folded.isascii() and any(sign.search(folded) for sign in (_MIXED, _ODD_LATIN))


def _weighed(text: str, span: Span, near: Sequence[Formula]) -> _Sentence:
    best = _Sentence(span, 0.0, frozenset())
    for reading in _readings(plain(text[span.start : span.end])):
        weights: dict[str, list[float]] = {}
        for formula in possible(near, reading):
            if weight := _weight(formula, reading):
                weights.setdefault(formula.family, []).append(weight)
        total = sum(max(each) + _REPEATED * (sum(each) - max(each)) for each in weights.values())
        if total > best.weight:
            best = _Sentence(span, total, frozenset(weights))
    return best


def _readings(folded: str) -> list[str]:
    """`folded` and, if its spelling is disguised, the undisguised spellings."""
    if not _is_disguised(folded):
        return [folded]
    undone = _unspaced(folded.translate(_LOOK_ALIKES))
    return list(dict.fromkeys((folded, undone, _unspaced(undone.translate(_LEET)))))


def _unspaced(text: str) -> str:
    """`text` with words written letter by letter joined; two spaces separate such words."""
    return _SPACED.sub(
        lambda match: re.sub(r"(?<=[^\W\d_])[ ._*\u00b7-](?=[^\W\d_])", "", match[0]).replace("  ", " "), text
    )


def _weight(formula: Formula, reading: str) -> float:
    match = formula.pattern.search(reading)
    if match is None:
        return 0.0
    reported = _REPORTED.search(reading, max(0, match.start() - 60), match.start() + 3)
    quoted = reported is not None or any(
        quote.start() < match.start() and match.end() < quote.end() for quote in _QUOTED.finditer(reading)
    )
    return formula.weight * (_DISCOUNT if quoted else 1.0)


def _is_enough(sentences: Sequence[_Sentence], n: int, discount: float) -> bool:
    """Whether the sentence has enough weight, by itself or with its neighbours."""
    own = sentences[n]
    if own.weight * discount >= _ENOUGH:
        return True
    if own.weight < _OWN:
        return False
    near = (*sentences[max(0, n - 2) : n], *sentences[n + 1 : n + 3])
    added = sum(each.weight for each in near if _adds(each, own))
    return (own.weight + _NEIGHBOURS * added) * discount >= _ENOUGH


def _adds(other: _Sentence, own: _Sentence) -> bool:
    """Whether `other` is further evidence: of another family, or heavy."""
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
