"""Features of a message and each candidate: similarity of meaning, and shared words.

A candidate is read by its name, its description sentence by sentence, its creator's line on when to use it, and
example messages; each of the last three may be missing. All texts are put into English words first. Differences to
the best other candidate are more informative than the values themselves.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from workers.knowledge.embed import Vectors
from workers.smallmodel.routing import cues
from workers.smallmodel.routing.candidates import MAX_CHARS, Candidate, properties_of, words_of_name
from workers.smallmodel.routing.dialogue import Dialogue, encodable
from workers.smallmodel.routing.slots import Slots, shapes_in, slots_of
from workers.smallmodel.routing.words import fold, gloss

MAX_EXAMPLES: Final = 8
MAX_SENTENCES: Final = 6
MAX_PARAMETERS: Final = 40
EXAMPLE_CHARS: Final = 200
NAME_CHARS: Final = 80
GRAM: Final = 3
# The share of a word's letter groups from which it counts as a candidate's word, so that typos count.
KNOWN_SHARE: Final = 0.5
MAX_WORDS: Final = 60
_SENTENCE: Final = re.compile(r"(?<=[.!?;:。])\s+|\n+")
_LETTERS: Final = re.compile(r"[^\W\d_]{3,}")
# The first features are cosines, which depend on the embedder.
N_NEAR: Final = 17


@dataclass(frozen=True, slots=True)
class PreparedCandidate:
    """A candidate's features without a message; `vectors` `(n, dim)` are those of `texts_of`."""

    vectors: Vectors
    n_sentences: int
    name: frozenset[str]
    about: frozenset[str]
    takes: frozenset[str]
    grams: frozenset[str]
    acts: Vectors
    slots: Slots
    kind: str
    called: str


def texts_of(candidate: Candidate) -> list[str]:
    """The texts to embed: all, name, when or all, sentences, examples."""
    name, about, when = _read(candidate)
    everything = f"{name}: {about} {when}".strip(": ")
    examples = [gloss(encodable(each[:EXAMPLE_CHARS])) for each in candidate.examples[:MAX_EXAMPLES] if each.strip()]
    return [everything, name, when or everything, *_sentences(about, name), *examples]


def _read(candidate: Candidate) -> tuple[str, str, str]:
    """Name, description and line on when to use it, in English words."""
    name = encodable(candidate.title[:NAME_CHARS].strip()) or words_of_name(candidate.name[:NAME_CHARS])
    about, when = encodable(candidate.description[:MAX_CHARS]), encodable(candidate.when[:EXAMPLE_CHARS])
    return gloss(encodable(name) or "none"), gloss(about).strip(), gloss(when).strip()


def _sentences(about: str, name: str) -> list[str]:
    found = [each.strip() for each in _SENTENCE.split(about) if each.strip()]
    return found[:MAX_SENTENCES] or [name]


def prepared(candidate: Candidate, vectors: Vectors) -> PreparedCandidate:
    """`candidate` prepared, with the `vectors` of its `texts_of`."""
    name, about, when = _read(candidate)
    name = name if candidate.when or candidate.title else f"{name} {words_of_name(candidate.name)}"
    examples = " ".join(gloss(encodable(each[:EXAMPLE_CHARS])) for each in candidate.examples[:MAX_EXAMPLES])
    takes = " ".join(words_of_name(each) for each in list(properties_of(candidate.parameters))[:MAX_PARAMETERS])
    raw = f"{candidate.title} {candidate.description[:MAX_CHARS]} {candidate.when[:EXAMPLE_CHARS]} {name} {about}"
    return PreparedCandidate(
        vectors,
        len(_sentences(about, name)),
        cues.stems(name),
        cues.stems(f"{name} {about} {when} {'' if candidate.kind else examples}"),
        cues.stems(takes),
        frozenset(gram for word in _LETTERS.findall(fold(f"{raw} {examples}")) for gram in _grams(word)),
        cues.acts(f"{words_of_name(candidate.name)} {' '.join(about.split()[:1])}"),
        slots_of(candidate.parameters),
        candidate.kind,
        candidate.name,
    )


def _grams(word: str) -> frozenset[str]:
    padded = f"^{word}$"
    return frozenset(padded[n : n + GRAM] for n in range(len(padded) - GRAM + 1))


def pair_features(dialogue: Dialogue, vectors: Vectors, candidates: Sequence[PreparedCandidate]) -> Vectors:
    """`(n_candidates, n_features)` float32; `vectors` `(5, dim)` are those of `dialogue.texts()`."""
    near = np.array([_near(dialogue, vectors, each) for each in candidates], np.float32)
    shared = _shared(dialogue, candidates)
    spread = (near - near.mean(axis=0)) / (near.std(axis=0) + 0.05)
    acts = cues.acts(dialogue.message)
    same = np.array([each.acts * acts for each in candidates], np.float32)
    beside = beside_best(near)
    # A continuation is compared together with the message before.
    after = beside[:, 8:13] * float(bool(dialogue.before) and cues.is_continuation(dialogue.raw))
    return np.hstack([near, beside, spread, after, shared, beside_best(shared), same]).astype(np.float32)


def _near(dialogue: Dialogue, vectors: Vectors, known: PreparedCandidate) -> list[float]:
    own, later, before, reply, last = vectors @ known.vectors.T
    sentences, examples = own[3 : 3 + known.n_sentences], own[3 + known.n_sentences :]
    centre = known.vectors.mean(axis=0)
    centre = centre / max(float(np.linalg.norm(centre)), 1e-6)
    return [
        *own[:3].tolist(),
        float(sentences.max()),
        float(examples.max()) if len(examples) else float(own[0]),
        float(np.sort(own[1:])[-3:].mean()),
        float(own.max()),
        float(vectors[0] @ centre),
        float(later[0]),
        float(later.max()),
        float(vectors[1] @ centre),
        *([float(before[0]), float(before.max())] if dialogue.before else [0.0, 0.0]),
        *([float(reply[0]), float(reply.max())] if dialogue.reply else [0.0, 0.0]),
        float(last[0]),
        float(last.max()),
    ]


def beside_best(values: Vectors) -> Vectors:
    """Each value minus the best of the other candidates, 0 without others."""
    if len(values) == 1:
        return np.zeros_like(values)
    order = np.sort(values, axis=0)
    return np.asarray(values - np.where(values == order[-1], order[-2], order[-1]), np.float32)


def _shared(dialogue: Dialogue, candidates: Sequence[PreparedCandidate]) -> Vectors:
    """`(n_candidates, n_shared)`: common words, weighted by their rarity among candidates; acts; values."""
    said, earlier = cues.stems(dialogue.message), cues.stems(dialogue.before) | cues.stems(dialogue.reply)
    last, acts, last_acts = cues.stems(dialogue.last), cues.acts(dialogue.message), cues.acts(dialogue.last)
    shapes = shapes_in(dialogue.raw) | shapes_in(dialogue.message)
    had = shapes | shapes_in(dialogue.before) | shapes_in(dialogue.reply)
    counts = Counter(word for each in candidates for word in each.about)
    rare = {word: math.log((len(candidates) + 1) / count) for word, count in counts.items()}
    grams = _known_grams(dialogue, candidates)
    continues = bool(dialogue.before) and cues.is_continuation(dialogue.raw)
    sure, sure_before = cues.sure_kinds(dialogue.raw), cues.sure_kinds(dialogue.raw_before)
    before_acts = cues.acts(dialogue.before)
    rows = []
    for each, spelt in zip(candidates, grams, strict=True):
        common, n_name = said & each.about, max(1, len(each.name))
        rows.append(
            [
                len(said & each.name) / n_name,
                min(3, len(common)) / 3,
                min(3, len(said & each.takes)) / 3,
                min(6.0, sum(rare[word] for word in common)) / 3,
                min(6.0, sum(rare.get(word, 0) for word in said & each.name)) / 3,
                min(6.0, sum(rare[word] for word in earlier & each.about)) / 3,
                len(earlier & each.name) / n_name,
                len(common) / (len(said) + 1),
                len(last & each.about) / (len(last) + 1),
                float(acts @ each.acts) / max(1.0, float(each.acts.sum())),
                float(acts.any() and each.acts.any() and not (acts @ each.acts)),
                float(last_acts @ each.acts > 0),
                each.slots.filled(shapes),
                float(each.slots.missing(shapes)),
                float(each.slots.missing(had)),
                each.slots.matched(shapes),
                min(4, len(each.slots.required)) / 4,
                float(bool(dialogue.declined & (each.name | each.about))),
                float(each.called in dialogue.called),
                float(each.kind in sure),
                float(continues and each.kind in sure_before),
                float(continues and bool(before_acts @ each.acts)),
                float(continues) * len(earlier & each.about) / (len(earlier) + 1),
                *spelt,
            ]
        )
    return np.array(rows, np.float32)


def _known_grams(dialogue: Dialogue, candidates: Sequence[PreparedCandidate]) -> Vectors:
    """`(n_candidates, 2)`: how far the message's words consist of letter groups of only this candidate."""
    texts = {fold(dialogue.raw), fold(dialogue.message)}
    grams = [_grams(word) for word in {word for text in texts for word in _LETTERS.findall(text)} - cues.STOP]
    if not grams:
        return np.zeros((len(candidates), 2), np.float32)
    known = np.array([[_coverage(each, one.grams) for each in grams[:MAX_WORDS]] for one in candidates], np.float32)
    rarer = known * (1 - known.mean(axis=0, keepdims=True))
    return np.stack([rarer.sum(axis=1) / 3, rarer.max(axis=1)], axis=1)


def _coverage(word: frozenset[str], known: frozenset[str]) -> float:
    """How far a word consists of known letter groups, in 0..1."""
    return max(0.0, len(word & known) / len(word) - KNOWN_SHARE) / (1 - KNOWN_SHARE)
