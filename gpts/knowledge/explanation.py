"""Why a question found what it found, for the creator's box "ask the knowledge"."""

from pydantic import BaseModel, ConfigDict

from gpts.knowledge.documents import Passage


class SearchStanding(BaseModel):
    """A chunk's score in one half of the search, and its place there, from 1."""

    model_config = ConfigDict(frozen=True)

    score: float
    place: int


class Explained(BaseModel):
    """A chunk that was found, with its standing in either half, None where that half did not find it.

    `passage.score` is the fused score. `is_given`: it is among what the model would get to read.
    """

    model_config = ConfigDict(frozen=True)

    passage: Passage
    dense: SearchStanding | None
    lexical: SearchStanding | None
    is_given: bool
