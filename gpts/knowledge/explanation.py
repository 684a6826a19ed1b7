"""Why a question found what it found, for the creator's search test."""

from pydantic import BaseModel, ConfigDict

from gpts.knowledge.documents import Passage


class SearchStanding(BaseModel):
    """A chunk's score in one half of the search, and its rank there, from 1."""

    model_config = ConfigDict(frozen=True)

    score: float
    place: int


class Explained(BaseModel):
    """A chunk that was found, with its standing in each half, None if that half did not find it.

    `passage.score` is the fused score. `is_given`: the model would receive it.
    """

    model_config = ConfigDict(frozen=True)

    passage: Passage
    dense: SearchStanding | None
    lexical: SearchStanding | None
    is_given: bool
