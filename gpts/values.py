"""The base class of pydantic values, and text that a database can store."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("text must not contain NUL characters")
    return text


Text = Annotated[str, AfterValidator(_without_nul)]
ShortText = Annotated[Text, Field(max_length=500)]


class Value(BaseModel):
    """An immutable, hashable value."""

    model_config = ConfigDict(frozen=True)
