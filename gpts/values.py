"""The base class of pydantic values."""

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """An immutable, hashable value."""

    model_config = ConfigDict(frozen=True)
