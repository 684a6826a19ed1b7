"""The router: which of the candidates, tools or GPTs, the last message asks for, if any."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from workers.smallmodel.parts import parts_of
from workers.smallmodel.routing import cues
from workers.smallmodel.routing.candidates import MAX_CHARS, Candidate, RoutedChoice
from workers.smallmodel.routing.features import Dialogue, Known, known_of, read_dialogue, texts_of
from workers.smallmodel.routing.gpt_features import GptKnown, gpt_known, gpt_texts
from workers.smallmodel.routing.gpt_head import (
    ANY_WEIGHTS,
    GPT_WEIGHTS,
    GptInputs,
    Weights,
    for_any,
    gpt_inputs,
    gpt_probabilities,
    gpt_ranks,
)
from workers.smallmodel.routing.head import inputs_of, load_weights, probabilities
from workers.smallmodel.routing.tuned import tuned

Vectors = npt.NDArray[np.float32]

CANDIDATES_KEPT: Final = 2_048
# Also a line for each GPT of a large store: 384 numbers of four bytes each, 6 MB in all.
TEXTS_KEPT: Final = 4_096
# How sure the choice for each part of a message must be before the parts go to different GPTs.
SURE_PART: Final = 0.5

T = TypeVar("T")


class Encoder(Protocol):
    """The part of the embedder that routing uses."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """`(n_texts, dim)` float32, L2-normalised."""


class Router:
    """Chooses with one embedder; what it works out of candidates and texts is kept. Safe between threads."""

    def __init__(self, embedder: Encoder) -> None:
        self._embedder = embedder
        self._tuned = tuned(embedder)
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._gpts: OrderedDict[str, GptKnown] = OrderedDict()
        self._texts: OrderedDict[str, Vectors] = OrderedDict()
        self._gpt_texts: OrderedDict[str, Vectors] = OrderedDict()

    def choose(self, conversation: Sequence[tuple[str, str]], candidates: Sequence[Candidate]) -> RoutedChoice:
        """The candidate that the last user message of (role, content) pairs asks for, or one without a name.

        Of candidates with the same name the first counts. The score is that of what was chosen, also of none.
        """
        offered = _once(candidates)
        dialogue = read_dialogue(conversation)
        if not offered or not dialogue.raw.strip():
            return RoutedChoice("", 1.0)
        known = self._prepared(self._known, offered, texts_of, known_of, self._embedder)
        vectors = self._vectors(self._texts, dialogue.texts(), self._embedder)
        inputs = inputs_of(dialogue, vectors, known, cues.acts(dialogue.message))
        return _best(offered, probabilities(inputs, load_weights()))

    def choose_gpt(self, conversation: Sequence[tuple[str, str]], candidates: Sequence[Candidate]) -> RoutedChoice:
        """The GPT that should answer the last user message, or one without a name: answer it yourself.

        Candidates are from `candidate_of_gpt`; for the rest it is as `choose`.
        """
        return self._choose_gpt(read_dialogue(conversation, wide=True), _once(candidates))

    def rank_gpts(self, message: str, candidates: Sequence[Candidate], most: int) -> list[RoutedChoice]:
        """The `most` best GPTs for a message, best first, whether or not any of them is needed."""
        offered = _once(candidates)
        dialogue = read_dialogue([("user", message)], wide=True)
        if not offered or not dialogue.raw.strip() or most < 1:
            return []
        ranks = gpt_ranks(*self._against_gpts(dialogue, offered))
        return [RoutedChoice(offered[n].name, float(ranks[n])) for n in np.argsort(-ranks, kind="stable")[:most]]

    def nearest(self, message: str, candidates: Sequence[Candidate], most: int) -> list[Candidate]:
        """The `most` candidates whose name and description are nearest to the message, by one vector each.

        For hundreds of them, of which `rank_gpts` would read every sentence: 500 new ones take some seconds, known
        ones a few milliseconds.
        """
        offered = _once(candidates)
        if len(offered) <= most:
            return offered
        lines = [f"{each.title}. {each.description}"[:MAX_CHARS] for each in offered]
        vectors = self._vectors(self._texts, [*lines, message[:MAX_CHARS]], self._embedder)
        cosines = vectors[:-1] @ vectors[-1]
        return [offered[n] for n in np.argsort(-cosines, kind="stable")[:most]]

    def divide(
        self, conversation: Sequence[tuple[str, str]], candidates: Sequence[Candidate]
    ) -> tuple[tuple[str, str], ...]:
        """(GPT, task) for each run of parts of the last message, where at least two GPTs are needed; else empty.

        Each part is routed by itself, and all must be chosen surely: what goes to nobody would be lost.
        """
        offered = _once(candidates)
        parts = parts_of(next((text for role, text in reversed(conversation) if role == "user"), ""))
        if len(parts) < 2 or len(offered) < 2:
            return ()
        chosen = [self._choose_gpt(read_dialogue([("user", part)], wide=True), offered) for part in parts]
        if not all(each.name and each.score >= SURE_PART for each in chosen):
            return ()
        tasks: list[tuple[str, str]] = []
        for each, part in zip(chosen, parts, strict=True):
            if tasks and tasks[-1][0] == each.name:
                tasks[-1] = (each.name, f"{tasks[-1][1]}\n{part}")
            else:
                tasks.append((each.name, part))
        return tuple(tasks) if len({name for name, _ in tasks}) > 1 else ()

    def _choose_gpt(self, dialogue: Dialogue, offered: list[Candidate]) -> RoutedChoice:
        if not offered or not dialogue.raw.strip():
            return RoutedChoice("", 1.0)
        return _best(offered, gpt_probabilities(*self._against_gpts(dialogue, offered)))

    def _against_gpts(self, dialogue: Dialogue, offered: list[Candidate]) -> tuple[GptInputs, list[Weights]]:
        encoder = self._tuned or self._embedder
        known = self._prepared(self._gpts, offered, gpt_texts, gpt_known, encoder)
        inputs = gpt_inputs(dialogue, self._vectors(self._gpt_texts, dialogue.texts()[:2], encoder), known)
        if self._tuned is None:
            return for_any(inputs), load_weights(ANY_WEIGHTS)
        return inputs, load_weights(GPT_WEIGHTS)

    def _prepared(
        self,
        shelf: OrderedDict[str, T],
        candidates: list[Candidate],
        texts_of: Callable[[Candidate], list[str]],
        known_of: Callable[[Candidate, Vectors], T],
        encoder: Encoder,
    ) -> list[T]:
        """What is worked out of each candidate, new ones embedded together and put on the shelf."""
        keys = [each.key() for each in candidates]
        with self._lock:
            have = {key: shelf[key] for key in keys if key in shelf}
        new = [(key, each) for key, each in zip(keys, candidates, strict=True) if key not in have]
        texts = [texts_of(each) for _, each in new]
        vectors = encoder.encode([text for group in texts for text in group])
        place = 0
        for (key, each), group in zip(new, texts, strict=True):
            have[key] = known_of(each, vectors[place : place + len(group)])
            place += len(group)
        self._keep(shelf, {key: have[key] for key, _ in new}, CANDIDATES_KEPT)
        return [have[key] for key in keys]

    def _vectors(self, shelf: OrderedDict[str, Vectors], texts: Sequence[str], encoder: Encoder) -> Vectors:
        with self._lock:
            have = {text: shelf[text] for text in texts if text in shelf}
        new = list(dict.fromkeys(text for text in texts if text not in have))
        have |= dict(zip(new, encoder.encode(new), strict=True))
        self._keep(shelf, {text: have[text] for text in new}, TEXTS_KEPT)
        return np.stack([have[text] for text in texts])

    def _keep(self, shelf: OrderedDict[str, T], new: dict[str, T], most: int) -> None:
        with self._lock:
            shelf.update(new)
            while len(shelf) > most:
                shelf.popitem(last=False)


def _once(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates, of those with the same name the first."""
    return list({each.name: each for each in reversed(candidates)}.values())[::-1]


def _best(offered: list[Candidate], found: Vectors) -> RoutedChoice:
    """The likeliest of the candidates or none, whose probability is the last."""
    best = int(found.argmax())
    return RoutedChoice(offered[best].name if best < len(offered) else "", float(found[best]))
