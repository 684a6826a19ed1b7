"""A message against each candidate, in numbers: how near their meanings are, and what their words share."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from workers.smallmodel.routing import cues
from workers.smallmodel.routing.builtin import BUILTIN
from workers.smallmodel.routing.candidates import MAX_CHARS, Candidate, properties_of, words_of_name
from workers.smallmodel.routing.slots import Slots, shapes_in, slots_of
from workers.smallmodel.routing.words import gloss, language_of

Vectors = npt.NDArray[np.float32]

# The beginning and the end of a long message say what it wants.
HEAD_CHARS: Final = 400
TAIL_CHARS: Final = 200
REPLY_CHARS: Final = 160
MAX_EXAMPLES: Final = 8

N_COSINES: Final = 11
N_SHARED: Final = 14
# Cosines, cosines less the best other candidate's, what the words share, shared acts, kind of candidate.
KINDS: Final = (*BUILTIN, "")
N_PAIR: Final = 2 * N_COSINES + 2 * N_SHARED + cues.N_ACTS


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The texts of a conversation that the choice reads, all in English words."""

    message: str
    before: str
    reply: str
    cues: Vectors
    raw: str

    def texts(self) -> tuple[str, str, str, str]:
        """What is embedded: the message, the message after the one before it, the one before, the last reply."""
        return self.message, f"{self.before} {self.message}".strip(), self.before or "none", self.reply or "none"


def read_dialogue(conversation: Sequence[tuple[str, str]], wide: bool = False) -> Dialogue:
    """The last user message of (role, content) pairs with the user message and the reply before it.

    `wide` is that of `words.gloss`.
    """
    said = [n for n, (role, _) in enumerate(conversation) if role == "user"]
    if not said:
        return _dialogue("", "", "", wide)
    last = said[-1]
    before = conversation[said[-2]][1] if len(said) > 1 else ""
    replies = [text for role, text in conversation[:last] if role == "assistant"]
    return _dialogue(conversation[last][1], before, replies[-1] if replies else "", wide)


def _dialogue(message: str, before: str, reply: str, wide: bool) -> Dialogue:
    raw = clip(message)
    glossed = gloss(raw, wide)
    marks = cues.message_cues(glossed, raw, language_of(raw, wide) != "en", bool(before or reply))
    return Dialogue(glossed, gloss(clip(before), wide), gloss(encodable(reply[:REPLY_CHARS]), wide), marks, raw)


def clip(text: str) -> str:
    """`text`, or its beginning and its end if it is long."""
    if len(text) > HEAD_CHARS + TAIL_CHARS:
        text = f"{text[:HEAD_CHARS]} … {text[-TAIL_CHARS:]}"
    return encodable(text)


def encodable(text: str) -> str:
    """`text` with a question mark for each half of a character, which the tokenizer would refuse."""
    return text.encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True, slots=True)
class Known:
    """What of a candidate is worked out once. `vectors` is `(2 + n_examples, dim)`: description, name, examples."""

    vectors: Vectors
    name: frozenset[str]
    about: frozenset[str]
    takes: frozenset[str]
    acts: Vectors
    slots: Slots
    kind: int


def texts_of(candidate: Candidate) -> list[str]:
    """What of a candidate is embedded."""
    name = words_of_name(candidate.name)
    about = candidate.description or candidate.title
    described = f"{candidate.title or name}: {about}" if about else name
    examples = [gloss(clip(each)) for each in candidate.examples[:MAX_EXAMPLES]]
    return [encodable(described[:MAX_CHARS]), encodable(name) or "none", *examples]


def known_of(candidate: Candidate, vectors: Vectors) -> Known:
    """The candidate with the vectors of its `texts_of`."""
    name = words_of_name(candidate.name)
    first = " ".join(candidate.description.split()[:1])
    takes = " ".join(words_of_name(each) for each in list(properties_of(candidate.parameters))[:40])
    return Known(
        vectors,
        cues.stems(name),
        cues.stems(f"{candidate.title} {candidate.description[:MAX_CHARS]}"),
        cues.stems(takes),
        cues.acts(f"{name} {first}"),
        slots_of(candidate.parameters),
        KINDS.index(candidate.name) if candidate.name in BUILTIN else len(KINDS) - 1,
    )


def pair_features(dialogue: Dialogue, vectors: Vectors, candidates: Sequence[Known]) -> Vectors:
    """`(n_candidates, N_PAIR)` float32; `vectors` `(4, dim)` are those of `dialogue.texts()`."""
    near = np.array([_cosines(vectors, each) for each in candidates], np.float32)
    if not dialogue.before:
        near[:, 6:9] = 0
    if not dialogue.reply:
        near[:, 9:11] = 0
    shared = _shared(dialogue, candidates)
    acts = cues.acts(dialogue.message)
    same = np.array([each.acts * acts for each in candidates], np.float32)
    return np.hstack([near, _beside_best(near), shared, _beside_best(shared), same]).astype(np.float32)


def _cosines(vectors: Vectors, known: Known) -> list[float]:
    near = vectors @ known.vectors.T
    best = near[:, 2:].max(axis=1) if near.shape[1] > 2 else near[:, 0]
    return [
        *(value for row in range(3) for value in (near[row, 0], near[row, 1], best[row])),
        *near[3, :2].tolist(),
    ]


def _beside_best(values: Vectors) -> Vectors:
    """Each value less the best of the other candidates', 0 where there is no other."""
    if len(values) == 1:
        return np.zeros_like(values)
    order = np.sort(values, axis=0)
    first, second = order[-1], order[-2]
    return np.asarray(values - np.where(values == first, second, first), np.float32)


def _shared(dialogue: Dialogue, candidates: Sequence[Known]) -> Vectors:
    """`(n_candidates, N_SHARED)`: words in common, weighed by how few candidates have them; acts; values."""
    said, earlier = cues.stems(dialogue.message), cues.stems(dialogue.before) | cues.stems(dialogue.reply)
    acts, shapes = cues.acts(dialogue.message), shapes_in(dialogue.raw) | shapes_in(dialogue.message)
    had = shapes_in(dialogue.before) | shapes_in(dialogue.reply)
    counts = Counter(word for each in candidates for word in each.name | each.about)
    n = len(candidates)
    rows = []
    for each in candidates:
        words = each.name | each.about
        rows.append(
            [
                len(said & each.name) / max(1, len(each.name)),
                min(3, len(said & each.about)) / 3,
                min(3, len(said & each.takes)) / 3,
                sum(math.log((n + 1) / counts[word]) for word in said & words),
                sum(math.log((n + 1) / counts[word]) for word in said & each.name),
                sum(math.log((n + 1) / counts[word]) for word in earlier & words) / 2,
                len(earlier & each.name) / max(1, len(each.name)),
                float(acts @ each.acts) / max(1.0, float(each.acts.sum())),
                float(acts.any() and each.acts.any() and not (acts @ each.acts)),
                each.slots.filled(shapes),
                float(each.slots.missing(shapes)),
                float(each.slots.missing(shapes | had)),
                each.slots.asked(shapes),
                min(4, len(each.slots.required)) / 4,
            ]
        )
    return np.array(rows, np.float32)
