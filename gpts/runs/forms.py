"""Forms: the fields that a GPT, or a tool that it called, asks the person to fill in while the run waits."""

import unicodedata
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from gpts.safety.invisible_characters import visible
from gpts.values import Text, Value

MAX_FIELDS: Final = 20
MAX_OPTIONS: Final = 100
MAX_TEXT: Final = 4_000
# Larger whole numbers are not exact in every language that may read the answers.
MAX_NUMBER: Final = 2**53
# A text field that takes more characters than this is shown with several lines.
LONG_TEXT: Final = 200
FieldKind = Literal[
    "text", "email", "url", "date", "date_time", "number", "integer", "yes_no", "choice", "several_choices"
]
Answer = str | bool | int | float | tuple[str, ...]


def _cleaned(text: str) -> str:
    """`text` without characters that nobody sees or that change the order of others."""
    kept = (each for each in visible(text) if each == "\n" or unicodedata.category(each) != "Cc")
    return "".join(kept).strip()


Shown = Annotated[Text, AfterValidator(_cleaned)]
OptionText = Annotated[Shown, Field(min_length=1, max_length=200)]


class FormField(Value):
    """A field. `minimum` and `maximum` are a number's range, a text's length or how many options may be chosen.

    `option_titles` are shown instead of `options`, one each; empty: the options themselves.
    """

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Shown, Field(min_length=1, max_length=64)]
    kind: FieldKind = "text"
    title: Annotated[Shown, Field(max_length=200)] = ""
    description: Annotated[Shown, Field(max_length=500)] = ""
    required: bool = False
    default: Answer | None = None
    options: Annotated[tuple[OptionText, ...], Field(max_length=MAX_OPTIONS)] = ()
    option_titles: Annotated[tuple[OptionText, ...], Field(max_length=MAX_OPTIONS)] = ()
    minimum: float | None = None
    maximum: float | None = None

    @model_validator(mode="after")
    def _has_options(self) -> Self:
        if self.kind in ("choice", "several_choices") and not self.options:
            raise ValueError("a choice needs options")
        if len(set(self.options)) < len(self.options) or len(self.option_titles) not in (0, len(self.options)):
            raise ValueError("options must differ, and each have a title or none")
        return self

    @property
    def label(self) -> str:
        """What the field is called on the page."""
        return self.title or self.name.replace("_", " ")

    @property
    def is_long(self) -> bool:
        """Whether it is shown with several lines."""
        return self.kind == "text" and self.maximum is not None and self.maximum > LONG_TEXT

    @property
    def choices(self) -> tuple[tuple[str, str], ...]:
        """Each option with its title."""
        return tuple(zip(self.options, self.option_titles or self.options, strict=True))


class Form(Value):
    """A question with fields to answer it. `asker` is the host of the MCP server that asks; empty: the GPT itself."""

    model_config = ConfigDict(extra="forbid")

    message: Annotated[Shown, Field(min_length=1, max_length=2_000)]
    fields: Annotated[tuple[FormField, ...], Field(min_length=1, max_length=MAX_FIELDS)]
    asker: str = ""

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if len({field.name for field in self.fields}) < len(self.fields):
            raise ValueError("two fields have the same name")
        return self

    @property
    def in_words(self) -> str:
        """The question and what its fields are called, for doors that show no fields."""
        return "\n".join([self.message, *(f"- {field.label}" for field in self.fields)])
