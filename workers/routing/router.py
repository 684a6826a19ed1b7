"""The router: which of the candidates the last message asks for, if any."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from workers.routing import cues
from workers.routing.candidates import Candidate, Choice
from workers.routing.features import Known, known_of, read_talk, texts_of
from workers.routing.head import inputs_of, load_weights, probabilities

Vectors = npt.NDArray[np.float32]

CANDIDATES_KEPT: Final = 2_048
TEXTS_KEPT: Final = 512

T = TypeVar("T")


class Encoder(Protocol):
    """The part of the embedder that routing uses."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """`(n_texts, dim)` float32, L2-normalised."""


class Router:
    """Chooses with one embedder; what it works out of candidates and texts is kept. Safe between threads."""

    def __init__(self, embedder: Encoder) -> None:
        self._embedder = embedder
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._texts: OrderedDict[str, Vectors] = OrderedDict()

    def choose(self, conversation: Sequence[tuple[str, str]], candidates: Sequence[Candidate]) -> Choice:
        """The candidate that the last user message of (role, content) pairs asks for, or one without a name.

        Of candidates with the same name the first counts. The score is that of what was chosen, also of none.
        """
        offered = list({each.name: each for each in reversed(candidates)}.values())[::-1]
        talk = read_talk(conversation)
        if not offered or not talk.raw.strip():
            return Choice("", 1.0)
        known = self._prepared(offered)
        inputs = inputs_of(talk, self._vectors(talk.texts()), known, cues.acts(talk.message))
        found = probabilities(inputs, load_weights())
        best = int(found.argmax())
        return Choice(offered[best].name if best < len(offered) else "", float(found[best]))

    def rank_gpts(self, message: str, candidates: Sequence[Candidate], most: int) -> list[Choice]:
        texts = [f"{c.title}. {c.description} {c.when}" for c in candidates]
        cos = self._vectors(texts) @ self._vectors([message])[0]
        order = cos.argsort()[::-1][:most]
        return [Choice(candidates[i].name, float(cos[i])) for i in order]

    def choose_gpt(self, conversation: Sequence[tuple[str, str]], candidates: Sequence[Candidate]) -> Choice:
        best = self.rank_gpts(conversation[-1][1], candidates, 1)[0]
        return best if best.score > 0.3 else Choice("", 0.5)

    def divide(
        self, conversation: Sequence[tuple[str, str]], candidates: Sequence[Candidate]
    ) -> tuple[tuple[str, str], ...]:
        return ()

    def _prepared(self, candidates: list[Candidate]) -> list[Known]:
        keys = [each.key() for each in candidates]
        with self._lock:
            have = {key: self._known[key] for key in keys if key in self._known}
        new = [(key, each) for key, each in zip(keys, candidates, strict=True) if key not in have]
        texts = [texts_of(each) for _, each in new]
        vectors = self._embedder.encode([text for group in texts for text in group])
        place = 0
        for (key, each), group in zip(new, texts, strict=True):
            have[key] = known_of(each, vectors[place : place + len(group)])
            place += len(group)
        self._keep(self._known, {key: have[key] for key, _ in new}, CANDIDATES_KEPT)
        return [have[key] for key in keys]

    def _vectors(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            have = {text: self._texts[text] for text in texts if text in self._texts}
        new = list(dict.fromkeys(text for text in texts if text not in have))
        have |= dict(zip(new, self._embedder.encode(new), strict=True))
        self._keep(self._texts, {text: have[text] for text in new}, TEXTS_KEPT)
        return np.stack([have[text] for text in texts])

    def _keep(self, shelf: OrderedDict[str, T], new: dict[str, T], most: int) -> None:
        with self._lock:
            shelf.update(new)
            while len(shelf) > most:
                shelf.popitem(last=False)
