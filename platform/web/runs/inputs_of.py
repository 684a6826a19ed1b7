"""The values of a GPT's inputs in a conversation: checked when it begins, and given to the model as data."""

from collections.abc import Mapping
from typing import Any, Final

from django.http import QueryDict

from gpts.runs.background import Background
from gpts.runs.form_answers import InvalidAnswers, sent
from gpts.runs.forms import Form
from gpts.spec.gpt import GptSpec
from gpts.spec.inputs import as_lines, checked_inputs, form_of, sent_starter, with_labels
from web.runs.errors import InvalidInputs
from web.runs.models import Conversation

# Of the names of a form's elements.
PREFIX: Final = "answer-"


def checked(spec: GptSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values to keep with a new conversation. Raises InvalidInputs, which names each field at fault."""
    try:
        return checked_inputs(spec.inputs, given)
    except InvalidAnswers as invalid:
        labels = {each.name: each.label for each in spec.inputs}
        shown = {name: label if label.casefold() == name else f"{label} ({name})" for name, label in labels.items()}
        wrong = " ".join(f"{shown.get(name, name)}: {text}" for name, text in invalid.errors.items())
        raise InvalidInputs(f"Check the inputs of {spec.name}. {wrong}") from None


def sent_with(form: Form, post: QueryDict) -> dict[str, Any]:
    """The answers to `form` in what a page sent."""
    values = {key.removeprefix(PREFIX): values for key, values in post.lists() if key.startswith(PREFIX)}
    return sent(form, values)


def sent_inputs(spec: GptSpec, post: QueryDict) -> dict[str, Any]:
    """The values of the GPT's inputs in what a page sent."""
    return sent_with(form_of(spec.inputs), post) if spec.inputs else {}


def defaults(spec: GptSpec) -> dict[str, Any]:
    """The values where nobody fills in a form: another GPT asks, or the chat is a copy of another person's."""
    return {each.name: each.default for each in spec.inputs if each.default is not None}


def filled_starter(conversation: Conversation, text: str) -> str:
    """`text`, with the conversation's values in it if it is one of the GPT's starters, as written or as shown."""
    spec = conversation.version.spec()
    starters = [each for each in spec.starters if text in (each, with_labels(each, spec.inputs))]
    return sent_starter(starters[0], spec.inputs, conversation.inputs) if starters and spec.inputs else text


def with_inputs(background: Background, spec: GptSpec, conversation: Conversation) -> Background:
    """`background` with the values for `spec`, which is the conversation's own GPT."""
    if spec.slug != conversation.version.spec().slug:
        return background
    lines, unfilled = (as_lines(spec.inputs, values) for values in (conversation.inputs, defaults(spec)))
    return background.model_copy(
        update={"inputs": lines, "defaults": tuple(line for line in lines if line in unfilled)}
    )
