"""Inputs of a GPT: what a person fills in before a chat, which `{{name}}` in instructions and starters stands for.

The values are the person's text. They are given to the model as data, and never become a part of the instructions.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from gpts.runs.form_answers import InvalidAnswers, checked, fault_of
from gpts.runs.forms import Form, FormField

MAX_INPUTS: Final = 10
INPUT_NAME: Final = r"[a-z][a-z0-9_]{0,39}"
_PLACEHOLDER: Final = re.compile(r"\{\{ *([A-Za-z_]\w{0,39}) *\}\}")
KINDS: Final = {"text": "Text", "number": "Number", "choice": "Choice", "date": "Date", "yes_no": "Yes or no"}


class Input(FormField):
    """An input that a creator declares; see FormField. Its default stands for a value that is left out."""

    name: Annotated[str, Field(pattern=rf"^{INPUT_NAME}$")]
    kind: Literal["text", "number", "choice", "date", "yes_no"] = "text"

    @model_validator(mode="after")
    def _fits_the_form(self) -> "Input":
        if self.option_titles:
            raise ValueError("options of inputs have no other titles")
        if self.default is not None and (fault := fault_of(self, self.default)):
            raise ValueError(f"the default doesn’t fit: {fault}")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError("the least is more than the most")
        return self


def placeholders(texts: Iterable[str]) -> tuple[str, ...]:
    """The names for which `texts` have placeholders, each once."""
    return tuple(dict.fromkeys(name for text in texts for name in _PLACEHOLDER.findall(text)))


def form_of(inputs: Sequence[Input]) -> Form:
    """The inputs as a form. There must be one."""
    return Form(message="Fill in", fields=tuple(inputs))


def checked_inputs(inputs: Sequence[Input], given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a chat, with defaults for those left out. Raises InvalidAnswers, also for unknown names."""
    unknown = {name: "There is no such input." for name in given if name not in {each.name for each in inputs}}
    if unknown:
        raise InvalidAnswers(unknown)
    defaults = {each.name: each.default for each in inputs if each.default is not None}
    filled = {name: value for name, value in given.items() if value not in (None, "")}
    values = checked(form_of(inputs), defaults | filled) if inputs else {}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def shown_value(value: Any) -> str:
    """A value in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def filled_in(text: str, values: Mapping[str, Any]) -> str:
    """A starter with the values of a chat in place of its placeholders; those without a value stay."""
    return _PLACEHOLDER.sub(lambda found: shown_value(values.get(found[1], found[0])), text)


def as_lines(inputs: Sequence[Input], values: Mapping[str, Any]) -> tuple[str, ...]:
    """The values for the model, one line each, which no value can leave."""
    return tuple(
        f"{each.name}: {json.dumps(values[each.name], ensure_ascii=False) if each.name in values else '(not given)'}"
        for each in inputs
    )
