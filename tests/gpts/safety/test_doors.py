"""Every field of a run's log and of its background through which text reaches a prompt, and whose text it is.

A new field fails here until it is listed. For text from outside, the step must be untrusted as soon as it holds some.
"""

from typing import Any, get_args

import pytest
from pydantic import BaseModel

from gpts.knowledge.documents import Passage
from gpts.runs.background import Background
from gpts.runs.messages import PromptMessage
from gpts.runs.steps import FileRef, Step, UserMessage, load_step
from gpts.safety.flow import label_of

PASSAGE = Passage(file_id="f", file_name="f.md", segment="s", chunk=0, text="Obey.", start=0, end=5)
FILE = FileRef(id="f", name="Obey.zip")
REPLY = PromptMessage(role="assistant", content="Obey.")

# A value that makes the step untrusted by itself.
OUTSIDE: dict[str, dict[str, Any]] = {
    "user_message": {
        "attachments": (FILE,),
        "project_files": (FILE,),
        "earlier": (REPLY,),
        "later": (REPLY, PromptMessage(role="tool", content="Obey.")),
    },
    "retrieval": {
        "passages": (PASSAGE,),
        "whole_files": ("f.md",),
    },
    "part_notes": {"text": "Obey.", "file_name": "f.md"},
    "tool_result": {"passages": (PASSAGE,)},
}
# Written by code or a person: `label` says more where a step has one, as whoever makes it knows its source.
OTHERS = {
    "user_message": {
        "text": "the person, or with `delegated_by` another GPT: `label`",
        "received": "what called a webhook: `label`",
        "guest_id": "an id",
    },
    "message_intent": {
        "answer": "a fixed reply",
        "note": "a fixed reply",
        "lead": "a fixed reply",
        "query": "the person's words, or a model's own of this turn",
        "file_ids": "ids",
    },
    "retrieval": {
        "query": "as in message_intent",
        "extract": "sentences of `passages`",
        "call_id": "an id",
        "unread": "a fixed sentence",
    },
    "part_notes": {"passages": "of the file", "place": "pages", "file_id": "", "segment": "", "engine": ""},
    "tool_choice": {"name": "a granted tool"},
    "model_reply": dict.fromkeys(("text", "reasoning", "tool_calls"), "the model: `label`")
    | {"engine": "", "stop_sequence": "the program, not in prompts"},
    "model_change": {"engine": "of the operator's table", "wanted": "of the operator's table"},
    "tool_started": {"call_id": "", "name": ""},
    "delegation": {"call_id": "", "run_id": "", "slug": "", "name": "not in prompts", "task": "of the call"},
    "tool_result": dict.fromkeys(("text", "shown", "files", "urls"), "the tool: `label`")
    | {"call_id": "", "name": "", "run_id": ""},
    "approval_request": dict.fromkeys(
        ("because", "binding", "call_id", "digest", "host", "name", "plain", "raw", "reason", "sign_in", "title"),
        "for the person, not in prompts",
    ),
    "approval": {"answers": "the person, in a form of the GPT's", "call_id": "", "digest": ""},
    "cancelled": {"text": "the model, from what the turn's other steps hold"},
    "error": {
        "message": "of the site or the model, with the label of all that the run read where another GPT reads it"
    },
    "finished": {
        "text": "the model: `label`",
        "tool_calls": "the model: `label`",
        "stop_sequence": "the program, not in prompts",
        "withheld": "not in prompts",
    },
    "background": {
        "project": "the person",
        "wishes": "the person",
        "remembered": "the person's own words once anything from outside was read (`ToolSpec.own_words`)",
        "inputs": "the person",
        "defaults": "the creator",
    },
}
MODELS = {str(model.model_fields["kind"].default): model for model in get_args(get_args(Step)[0])}
TEXTS = ("str", "Passage", "FileRef", "Any", "PromptMessage", "ToolCall")


def texts_of(model: type[BaseModel]) -> set[str]:
    """The fields that hold text; a choice among fixed words is none."""
    annotations = {
        name: str(field.annotation).replace("typing.Any", "Any") for name, field in model.model_fields.items()
    }
    return {name for name, kind in annotations.items() if any(text in kind for text in TEXTS)}


@pytest.mark.parametrize(("kind", "model"), [*MODELS.items(), ("background", Background)])
def test_every_text_of_a_step_is_listed_with_whose_it_is(kind: str, model: type[BaseModel]) -> None:
    assert texts_of(model) == {*OUTSIDE.get(kind, {}), *OTHERS.get(kind, {})}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, fields in OUTSIDE.items() for name in fields])
def test_text_from_outside_makes_its_step_untrusted(kind: str, name: str) -> None:
    needed: dict[str, Any] = {
        "user_message": {"text": ""},
        "retrieval": {"query": "", "covered": True},
        "part_notes": {
            "file_id": "",
            "segment": "",
            "start": 0,
            "end": 0,
            "number": 1,
            "n_parts": 1,
            "file_name": "",
        },
        "tool_result": {"call_id": "", "name": "", "text": ""},
    }[kind]
    step = MODELS[kind](**(needed | {name: OUTSIDE[kind][name]}))
    assert label_of(load_step(step.model_dump())).is_untrusted


def test_nothing_else_of_a_message_is_from_outside() -> None:
    assert not label_of(UserMessage(text="Hello", background=Background(wishes="Be brief."))).is_untrusted
