"""The router: chooses the tool or the GPT for the last message, if any."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

import numpy as np

from workers.knowledge.embed import Vectors
from workers.knowledge.tuned import tuned
from workers.smallmodel.parts import parts_of
from workers.smallmodel.routing.candidates import MAX_CHARS, Candidate, RoutedChoice
from workers.smallmodel.routing.dialogue import read_dialogue
from workers.smallmodel.routing.features import PreparedCandidate, prepared, texts_of
from workers.smallmodel.routing.head import Inputs, inputs_of, load_weights, probabilities, weights_file
from workers.smallmodel.routing.words import DATA

# What brings messages nearer to their candidates.
TUNING: Final = DATA / "tuning.npz"
CANDIDATES_KEPT: Final = 2_048
# Enough for a line per GPT of a large store; 384 numbers of four bytes each, 6 MB in all.
TEXTS_KEPT: Final = 4_096
# The score of the choice for each part from which a message is divided between GPTs.
SURE_PART: Final = 0.5

T = TypeVar("T")


class Encoder(Protocol):
    """The part of the embedder that routing uses."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """`(n_texts, dim)` float32, L2-normalised."""


class Router:
    """Chooses with one embedder; caches prepared candidates and vectors. Safe for threads."""

    def __init__(self, embedder: Encoder) -> None:
        own = tuned(embedder, TUNING)
        self._encoder, self._any = own or embedder, own is None
        self._lock = threading.Lock()
        self._candidates: OrderedDict[str, PreparedCandidate] = OrderedDict()
        self._texts: OrderedDict[str, Vectors] = OrderedDict()

    def choose(self, conversation: Sequence[tuple[str, str]], candidates: Sequence[Candidate]) -> RoutedChoice:
        """The tool for the last user message of (role, content) pairs; no name for none."""
        return self.ranked(conversation, candidates)[0]

    def choose_gpt(self, conversation: Sequence[tuple[str, str]], candidates: Sequence[Candidate]) -> RoutedChoice:
        """The GPT for the last user message; no name for none."""
        return self.ranked_gpts(conversation, candidates)[0]

    def ranked(self, conversation: Sequence[tuple[str, str]], candidates: Sequence[Candidate]) -> list[RoutedChoice]:
        """The tools and none, best first, each with its probability.

        Of candidates with the same name the first counts; for an empty message it is none. On unseen cases the right
        one is among the best two in 93 % (99 % for GPTs); above a score of 0.8 the first is right in 96 % (94 %),
        below 0.6 in 43 % (71 %; measured 2026-11-25).
        """
        return self._ranked("tools", conversation, candidates)

    def ranked_gpts(
        self, conversation: Sequence[tuple[str, str]], candidates: Sequence[Candidate]
    ) -> list[RoutedChoice]:
        """As `ranked`, for candidates from `candidate_of_gpt`."""
        return self._ranked("gpts", conversation, candidates)

    def rank_gpts(self, message: str, candidates: Sequence[Candidate], most: int) -> list[RoutedChoice]:
        """The `most` best GPTs for a message, best first, whether or not one is needed."""
        if not message.strip() or most < 1:
            return []
        return [each for each in self.ranked_gpts([("user", message)], candidates) if each.name][:most]

    def nearest(self, message: str, candidates: Sequence[Candidate], most: int) -> list[Candidate]:
        """The `most` candidates whose name and description are nearest to the message, with one vector each.

        For hundreds of candidates, as `rank_gpts` embeds every sentence: 500 new ones take some seconds, cached ones
        a few milliseconds.
        """
        offered = _once(candidates)
        if len(offered) <= most:
            return offered
        lines = [f"{each.title}. {each.description}"[:MAX_CHARS] for each in offered]
        vectors = self._vectors([*lines, message[:MAX_CHARS]])
        cosines = vectors[:-1] @ vectors[-1]
        return [offered[n] for n in np.argsort(-cosines, kind="stable")[:most]]

    def divide(
        self, conversation: Sequence[tuple[str, str]], candidates: Sequence[Candidate]
    ) -> tuple[tuple[str, str], ...]:
        """(GPT, task) for consecutive parts of the last message if at least two GPTs are needed; else empty.

        Each part is routed by itself, and all need a sure choice: a part for no GPT would be lost.
        """
        offered = _once(candidates)
        parts = parts_of(next((text for role, text in reversed(conversation) if role == "user"), ""))
        if len(parts) < 2 or len(offered) < 2:
            return ()
        chosen = [self.choose_gpt([("user", part)], offered) for part in parts]
        if not all(each.name and each.score >= SURE_PART for each in chosen):
            return ()
        tasks: list[tuple[str, str]] = []
        for each, part in zip(chosen, parts, strict=True):
            if tasks and tasks[-1][0] == each.name:
                tasks[-1] = (each.name, f"{tasks[-1][1]}\n{part}")
            else:
                tasks.append((each.name, part))
        return tuple(tasks) if len({name for name, _ in tasks}) > 1 else ()

    def _ranked(
        self, kind: str, conversation: Sequence[tuple[str, str]], candidates: Sequence[Candidate]
    ) -> list[RoutedChoice]:
        offered, dialogue = _once(candidates), read_dialogue(conversation)
        if not offered or not dialogue.raw.strip():
            return [RoutedChoice("", 1.0)]
        inputs: Inputs = inputs_of(dialogue, self._vectors(dialogue.texts()), self._prepared(offered), self._any)
        found = probabilities(inputs, load_weights(weights_file(kind, self._any)))
        names = [*(each.name for each in offered), ""]
        return [RoutedChoice(names[n], float(found[n])) for n in np.argsort(-found, kind="stable")]

    def _prepared(self, candidates: list[Candidate]) -> list[PreparedCandidate]:
        """The prepared candidates; new ones are embedded together and cached."""
        keys = [each.key() for each in candidates]
        with self._lock:
            have = {key: self._candidates[key] for key in keys if key in self._candidates}
        new = {key: each for key, each in zip(keys, candidates, strict=True) if key not in have}
        texts = [texts_of(each) for each in new.values()]
        vectors = self._encoder.encode([text for group in texts for text in group])
        ends = np.cumsum([len(group) for group in texts]).tolist()
        for (key, each), group, end in zip(new.items(), texts, ends, strict=True):
            have[key] = prepared(each, vectors[end - len(group) : end])
        self._keep(self._candidates, {key: have[key] for key in new}, CANDIDATES_KEPT)
        return [have[key] for key in keys]

    def _vectors(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            have = {text: self._texts[text] for text in texts if text in self._texts}
        new = list(dict.fromkeys(text for text in texts if text not in have))
        have |= dict(zip(new, self._encoder.encode(new), strict=True))
        self._keep(self._texts, {text: have[text] for text in new}, TEXTS_KEPT)
        return np.stack([have[text] for text in texts])

    def _keep(self, cache: OrderedDict[str, T], new: dict[str, T], most: int) -> None:
        with self._lock:
            cache.update(new)
            while len(cache) > most:
                cache.popitem(last=False)


def _once(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates without those whose name an earlier one has."""
    return list({each.name: each for each in reversed(candidates)}.values())[::-1]
