"""Attributes of files in vector stores, OpenAI's filters over them, and the metadata of other rows."""

import operator
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt

from gpts.values import Text

Value = StrictBool | StrictInt | StrictFloat | Annotated[Text, Field(max_length=512)]
Attributes = Annotated[dict[Annotated[Text, Field(max_length=64)], Value], Field(max_length=16)]
Metadata = Annotated[
    dict[Annotated[Text, Field(max_length=64)], Annotated[Text, Field(max_length=512)]], Field(max_length=16)
]


class MetadataChange(BaseModel):
    """The new metadata of a row."""

    metadata: Metadata | None


_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


class AttributeComparison(BaseModel):
    """Compares an attribute with a value. A file without the attribute fits only `ne` and `nin`."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"]
    key: Text
    value: Value | Annotated[list[Value], Field(max_length=1_000)]

    def fits(self, attributes: Mapping[str, Any]) -> bool:
        """Whether a file with these attributes is meant."""
        given = attributes.get(self.key)
        if self.type in ("eq", "ne"):
            return _same(given, self.value) == (self.type == "eq")
        if self.type in ("in", "nin"):
            wanted = self.value if isinstance(self.value, list) else [self.value]
            return any(_same(given, each) for each in wanted) == (self.type == "in")
        return _kind(given) == _kind(self.value) != "" and _ORDER[self.type](given, self.value)


class Compound(BaseModel):
    """Joins filters."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["and", "or"]
    filters: Annotated[list["AttributeComparison | Compound"], Field(min_length=1, max_length=100)]

    def fits(self, attributes: Mapping[str, Any]) -> bool:
        """Whether a file with these attributes is meant."""
        return (all if self.type == "and" else any)(each.fits(attributes) for each in self.filters)


Filters = AttributeComparison | Compound


def _same(one: Any, other: Any) -> bool:
    """Whether two values are equal; true is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _kind(value: Any) -> str:
    """What can be ordered with what."""
    if isinstance(value, bool):
        return ""
    return "number" if isinstance(value, int | float) else "text" if isinstance(value, str) else ""
