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
# A part of a starter, in brackets or with the punctuation before it, and the word after a number.
_CLAUSE: Final = re.compile(r"\([^()]*\)|[,;–—.!?…，；。！？]?[^(),;–—.!?…，；。！？]+|.")
_UNIT: Final = re.compile(r"^ ?[^\W\d]+")
# Words that lead to a value, in the languages of the site.
_LEADING: Final = frozenset(
    """a an the my our your of for with in at to by from on about as is into
    für mit von vom aus bei beim in im am an auf zu zum zur über ein eine einen einem einer der die das den dem mein
    meine meinen meinem unser unsere als ist
    pour de du des avec à au aux en sur dans chez un une le la les l mon ma mes notre est
    para con por del al sobre el los las un una unos mi mis nuestro nuestra es""".split()
)
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


def with_labels(starter: str, inputs: Sequence[Input]) -> str:
    """A starter as people see it: with the labels of `inputs` in place of their placeholders."""
    return filled_in(starter, {each.name: f"[{each.label}]" for each in inputs})


def sent_starter(starter: str, inputs: Sequence[Input], values: Mapping[str, Any]) -> str:
    """A starter as it is sent: filled in, and without the words around `inputs` that were left empty.

    Those are the part between two punctuation marks if nothing else stands there, else what leads to the
    placeholder ("of the", "für einen"), and the unit after a number.
    """
    empty = {each.name: each.kind == "number" for each in inputs if each.name not in values}
    clauses = _CLAUSE.findall(starter)
    for n, clause in enumerate(clauses):
        names = placeholders([clause])
        if n and names and all(name in empty for name in names):
            clauses[n] = ""
            continue
        for name in set(names) & empty.keys():
            clauses[n] = clause = _without(clause, name, with_unit=empty[name])
    end = starter[-1:] if starter[-1:] in ".?!…。？！" else ""
    text = " ".join("".join(clauses).split()).lstrip(" ,;:")
    text = text if text.endswith(tuple(end or " ")) else text.rstrip(" ,;:") + end
    return filled_in(text, values)


def _without(clause: str, name: str, *, with_unit: bool) -> str:
    """`clause` without the placeholder of this name and the words that belong to it."""
    found = next(found for found in _PLACEHOLDER.finditer(clause) if found[1] == name)
    before, after = clause[: found.start()].split(), clause[found.end() :]
    while before and before[-1].casefold() in _LEADING:
        before.pop()
    if with_unit:
        after = _UNIT.sub("", after, count=1)
    rest = after.lstrip()
    return f"{' '.join(before)}{' ' if before and rest[:1].isalnum() else ''}{rest}"


def as_lines(inputs: Sequence[Input], values: Mapping[str, Any]) -> tuple[str, ...]:
    """The values for the model, one line each, which no value can leave."""
    return tuple(
        f"{each.name}: {json.dumps(values[each.name], ensure_ascii=False) if each.name in values else '(not given)'}"
        for each in inputs
    )
