"""A message against each GPT, in numbers: how near their meanings are, and what their words share.

A GPT is read by its name, its description sentence by sentence, its creator's line on when to ask it, and its
starters; each of the last three may be missing. Everything is put into English words first, and what is compared with
the best other candidate tells more than what stands alone.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from workers.smallmodel.routing.candidates import MAX_CHARS, Candidate, words_of_name
from workers.smallmodel.routing.cues import STOP, stem, words
from workers.smallmodel.routing.features import Dialogue, encodable
from workers.smallmodel.routing.words import fold, gloss

Vectors = npt.NDArray[np.float32]

MAX_STARTERS: Final = 6
MAX_SENTENCES: Final = 6
STARTER_CHARS: Final = 200
NAME_CHARS: Final = 80
GRAM: Final = 3
# A word of the message counts as known to a GPT from this share of its letter groups on, so that typos count.
KNOWN_SHARE: Final = 0.5
_SENTENCE: Final = re.compile(r"(?<=[.!?;:。])\s+|\n+")
_LETTERS: Final = re.compile(r"[^\W\d_]{3,}")

N_NEAR: Final = 11
N_SHARED: Final = 6
N_PAIR: Final = 3 * N_NEAR + 2 * N_SHARED


@dataclass(frozen=True, slots=True)
class GptKnown:
    """What of a GPT is worked out once. `texts` `(n, dim)`: all, name, when or all, sentences, starters."""

    texts: Vectors
    n_sentences: int
    stems: frozenset[str]
    own: frozenset[str]
    grams: frozenset[str]


def gpt_texts(candidate: Candidate) -> list[str]:
    """What of a GPT is embedded, in the order of GptKnown.texts."""
    name, about, when = _read(candidate)
    everything = f"{name}: {about} {when}".strip(": ")
    starters = [
        gloss(encodable(each[:STARTER_CHARS]), wide=True)
        for each in candidate.examples[:MAX_STARTERS]
        if each.strip()
    ]
    return [everything, name, when or everything, *_sentences(about, name), *starters]


def _read(candidate: Candidate) -> tuple[str, str, str]:
    """Name, description and line on when to ask it, in English words."""
    name = encodable(candidate.title[:NAME_CHARS].strip()) or words_of_name(candidate.name[:NAME_CHARS]) or "none"
    about, when = encodable(candidate.description[:MAX_CHARS]), encodable(candidate.when[:STARTER_CHARS])
    return gloss(name, wide=True), gloss(about, wide=True).strip(), gloss(when, wide=True).strip()


def _sentences(about: str, name: str) -> list[str]:
    found = [each.strip() for each in _SENTENCE.split(about) if each.strip()]
    return found[:MAX_SENTENCES] or [name]


def gpt_known(candidate: Candidate, vectors: Vectors) -> GptKnown:
    """The GPT with the vectors of its `gpt_texts`."""
    name, about, when = _read(candidate)
    starters = " ".join(each[:STARTER_CHARS] for each in candidate.examples[:MAX_STARTERS])
    raw = f"{candidate.title} {candidate.description[:MAX_CHARS]} {candidate.when[:STARTER_CHARS]} {starters}"
    return GptKnown(
        vectors,
        len(_sentences(about, name)),
        _stems(f"{name} {about} {when} {gloss(starters, wide=True)}"),
        _stems(name),
        frozenset(gram for word in _LETTERS.findall(fold(f"{raw} {about}")) for gram in _grams(word)),
    )


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in words(text) if word not in STOP and len(word) > 1)


def _grams(word: str) -> frozenset[str]:
    padded = f"^{word}$"
    return frozenset(padded[n : n + GRAM] for n in range(len(padded) - GRAM + 1))


def gpt_pairs(dialogue: Dialogue, vectors: Vectors, candidates: Sequence[GptKnown]) -> Vectors:
    """`(n_candidates, N_PAIR)` float32; `vectors` `(2, dim)`: the message, and it after the one before."""
    near = np.array([_near(vectors, each) for each in candidates], np.float32)
    shared = _shared(dialogue, candidates)
    spread = (near - near.mean(axis=0)) / (near.std(axis=0) + 0.05)
    return np.hstack([near, beside_best(near), spread, shared, beside_best(shared)]).astype(np.float32)


def _near(vectors: Vectors, known: GptKnown) -> list[float]:
    cosines = vectors @ known.texts.T
    own, later = cosines[0], cosines[1]
    sentences, starters = own[3 : 3 + known.n_sentences], own[3 + known.n_sentences :]
    parts = np.sort(own[1:])[::-1]
    centre = known.texts.mean(axis=0)
    length = max(float(np.linalg.norm(centre)), 1e-6)
    return [
        float(own[0]),
        float(own[1]),
        float(own[2]),
        float(sentences.max()),
        float(starters.max()) if len(starters) else float(own[0]),
        float(parts[:3].mean()),
        float(own.max()),
        float(vectors[0] @ centre) / length,
        float(later[0]),
        float(later.max()),
        float(vectors[1] @ centre) / length,
    ]


def beside_best(values: Vectors) -> Vectors:
    """Each value less the best of the other candidates', 0 where there is no other."""
    if len(values) == 1:
        return np.zeros_like(values)
    order = np.sort(values, axis=0)
    return np.asarray(values - np.where(values == order[-1], order[-2], order[-1]), np.float32)


def _shared(dialogue: Dialogue, candidates: Sequence[GptKnown]) -> Vectors:
    """`(n_candidates, N_SHARED)`: words and parts of words in common, weighed by how few candidates have them."""
    said, earlier = _stems(dialogue.message), _stems(dialogue.before)
    counts = Counter(word for each in candidates for word in each.stems)
    rare = {word: math.log((len(candidates) + 1) / count) for word, count in counts.items()}
    texts = {fold(dialogue.raw), fold(dialogue.message)}
    grams = [_grams(word) for word in {word for text in texts for word in _LETTERS.findall(text)} - STOP][:60]
    known = np.array([_coverage(grams, each) for each in candidates], np.float32).reshape(len(candidates), -1)
    rarer = known * (1 - known.mean(axis=0, keepdims=True))
    rows = np.zeros((len(candidates), N_SHARED), np.float32)
    for n, each in enumerate(candidates):
        common = said & each.stems
        rows[n, :4] = (
            min(6.0, sum(rare[word] for word in common)) / 3,
            len(common) / (len(said) + 1),
            len(said & each.own) / (len(each.own) + 1),
            min(6.0, sum(rare[word] for word in earlier & each.stems)) / 3,
        )
    if grams:
        rows[:, 4], rows[:, 5] = rarer.sum(axis=1) / 3, rarer.max(axis=1)
    return rows


def _coverage(grams: Sequence[frozenset[str]], known: GptKnown) -> list[float]:
    """How far each word of the message is made of letter groups of the GPT's words, 0..1."""
    return [max(0.0, len(each & known.grams) / len(each) - KNOWN_SHARE) / (1 - KNOWN_SHARE) for each in grams]
