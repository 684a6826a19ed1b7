"""Why a question found what it found, for the creator's search test."""

from gpts.knowledge.documents import Passage
from gpts.values import Value


class SearchStanding(Value):
    """A chunk's score in one half of the search, and its rank there, from 1."""

    score: float
    place: int


class Explained(Value):
    """A chunk that was found, with its standing in each half, None if that half did not find it.

    `passage.score` is the fused score. `is_given`: the model would receive it.
    """

    passage: Passage
    dense: SearchStanding | None
    lexical: SearchStanding | None
    is_given: bool
