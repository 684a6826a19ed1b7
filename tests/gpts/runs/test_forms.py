"""Forms: what may be asked, what a hostile asker may not, and which answers fit."""

import json

import pytest

from gpts.runs.decisions import AskApproval, RejectCall, RunTools, Wait
from gpts.runs.form_answers import InvalidAnswers, checked, own_words, sent
from gpts.runs.form_requests import FormRefused, read_arguments, read_schema, schema_of
from gpts.runs.forms import Form
from gpts.runs.plan import DISMISSED, INTERRUPTED, NOT_ANSWERED, decide
from gpts.runs.state import TurnState
from gpts.runs.status import status_of
from gpts.runs.steps import (
    Approval,
    ApprovalRequest,
    ModelReply,
    ToolCall,
    ToolResult,
    ToolStarted,
    UserMessage,
    load_step,
)
from gpts.safety.flow import context_label
from gpts.safety.labels import untrusted
from gpts.safety.policy import context_of
from gpts.spec.ability import ModelAbility
from gpts.spec.builtin_tools import BUILTIN_TOOLS
from gpts.spec.gpt import GptSpec
from gpts.spec.tools import ToolSpec

SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "title": "City", "minLength": 2, "maxLength": 40},
        "mail": {"type": "string", "format": "email"},
        "day": {"type": "string", "format": "date"},
        "nights": {"type": "integer", "minimum": 1, "maximum": 30, "default": 3},
        "quiet": {"type": "boolean", "default": True},
        "room": {"type": "string", "oneOf": [{"const": "s", "title": "Single"}, {"const": "d", "title": "Double"}]},
        "extras": {
            "type": "array",
            "minItems": 1,
            "maxItems": 2,
            "items": {"type": "string", "enum": ["a", "b", "c"]},
        },
        "old": {"type": "string", "enum": ["x", "y"], "enumNames": ["Ex", "Why"]},
    },
    "required": ["city", "nights"],
}


def one(schema: dict, **more) -> Form:
    return read_schema("Hello", {"type": "object", "properties": {"it": schema}, **more}, "h.example")


def test_a_schema_of_mcp_becomes_fields_and_fields_a_schema_again():
    form = read_schema("Where to?", SCHEMA, "h.example")
    assert [(field.name, field.kind) for field in form.fields] == [
        ("city", "text"),
        ("mail", "email"),
        ("day", "date"),
        ("nights", "integer"),
        ("quiet", "yes_no"),
        ("room", "choice"),
        ("extras", "several_choices"),
        ("old", "choice"),
    ]
    assert form.fields[5].choices == (("s", "Single"), ("d", "Double"))
    assert form.fields[7].choices == (("x", "Ex"), ("y", "Why"))
    again = read_schema("Where to?", json.loads(json.dumps(schema_of(form))), "h.example")
    assert [field.model_copy(update={"title": ""}) for field in again.fields[:5]] == [
        field.model_copy(update={"title": ""}) for field in form.fields[:5]
    ]


def test_answers_that_fit_are_kept_as_their_types_and_empty_ones_left_out():
    form = read_schema("Where to?", SCHEMA, "")
    given = {"city": "Rome", "mail": "", "nights": 4, "quiet": False, "extras": ["a", "b"], "unknown": "x"}
    assert checked(form, given) == {"city": "Rome", "nights": 4, "quiet": False, "extras": ("a", "b")}


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("city", ""),
        ("city", "R"),
        ("city", 7),
        ("city", "x" * 41),
        ("mail", "nobody"),
        ("day", "tomorrow"),
        ("nights", 0),
        ("nights", 2.5),
        ("nights", True),
        ("nights", "4"),
        ("nights", 10**400),
        ("nights", float("nan")),
        ("quiet", "yes"),
        ("room", "Single"),
        ("room", ["s"]),
        ("extras", ["z"]),
        ("extras", ["a", "a"]),
        ("extras", ["a", "b", "c"]),
        ("extras", "a"),
        ("extras", [{}]),
    ],
)
def test_an_answer_that_does_not_fit_is_named(name, wrong):
    form = read_schema("Where to?", SCHEMA, "")
    with pytest.raises(InvalidAnswers) as invalid:
        checked(form, {"city": "Rome", "nights": 1, name: wrong})
    assert list(invalid.value.errors) == [name]


def test_what_a_page_sends_is_read_by_the_type_of_the_field():
    form = read_schema("Where to?", SCHEMA, "")
    values = {"city": [" Rome "], "nights": ["4"], "quiet": ["true"], "extras": ["a", "c"], "room": ["d"]}
    assert checked(form, sent(form, values)) == {
        "city": "Rome",
        "nights": 4,
        "quiet": True,
        "extras": ("a", "c"),
        "room": "d",
    }
    with pytest.raises(InvalidAnswers) as invalid:
        checked(form, sent(form, {"city": ["Rome"], "nights": ["many"]}))
    assert invalid.value.errors == {"nights": "Enter a whole number."}
    assert checked(form, sent(form, {"city": ["Rome"], "nights": ["4"]}))["quiet"] is False
    stay = one({"type": "string", "format": "date-time"})
    assert checked(stay, sent(stay, {"it": ["2026-01-31T10:00"]})) == {"it": "2026-01-31T10:00:00Z"}


HOSTILE = {
    "a thousand fields": {"properties": {f"f{n}": {"type": "string"} for n in range(1000)}},
    "no fields": {"properties": {}},
    "fields that are none": {"properties": [1, 2]},
    "nested objects": {"properties": {"a": {"type": "object", "properties": {"b": {"type": "string"}}}}},
    "nested lists": {"properties": {"a": {"type": "array", "items": {"type": "array", "items": {"type": "string"}}}}},
    "references": {"properties": {"a": {"$ref": "#/properties/a"}}},
    "an unknown format": {"properties": {"a": {"type": "string", "format": "password"}}},
    "a schema that is none": {"properties": {"a": "string"}},
    "a long title": {"properties": {"a": {"type": "string", "title": "x" * 10_000}}},
    "a long name": {"properties": {"x" * 65: {"type": "string"}}},
    "a title that is no text": {"properties": {"a": {"type": "string", "title": {"b": 1}}}},
    "many options": {"properties": {"a": {"type": "string", "enum": [str(n) for n in range(101)]}}},
    "no options": {"properties": {"a": {"type": "string", "enum": []}}},
    "equal options": {"properties": {"a": {"type": "string", "enum": ["x", "x"]}}},
    "options that are no text": {"properties": {"a": {"type": "string", "enum": [{"x": 1}]}}},
    "titles for too few": {"properties": {"a": {"type": "string", "enum": ["x", "y"], "enumNames": ["X"]}}},
    "a default that does not fit": {"properties": {"a": {"type": "integer", "default": "x"}}},
    "a hidden default": {"properties": {"a": {"type": "string", "default": "x" * 5_000}}},
    "a required that is none": {"properties": {"a": {"type": "string"}}, "required": 7},
}


@pytest.mark.parametrize("schema", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_schema_is_refused(schema):
    with pytest.raises(FormRefused):
        read_schema("Hello", {"type": "object", **schema}, "h.example")


@pytest.mark.parametrize("message", ["", "   ", "\u202e\u200b", "x" * 2001, "a\x00b"])
def test_a_message_is_text_of_a_readable_length(message):
    with pytest.raises(FormRefused):
        read_schema(message, {"properties": {"a": {"type": "string"}}}, "h.example")


def test_characters_that_nobody_sees_or_that_reverse_others_are_removed():
    assert one({"type": "string", "title": "Ci\u202ety\u200b\x07"}).fields[0].title == "City"


@pytest.mark.parametrize(
    "words",
    [
        "Password",
        "your PASSWORT",
        "api_key",
        "API-Key",
        "Access token",
        "mot de passe",
        "contraseña",
        "密码",
        "PIN",
        "Ｐａｓｓｗｏｒｄ",
        "pass\u200bword",
        "credit card",
        "card number",
        "one-time code",
        "ssh key",
        "Seed phrase",
    ],
)
@pytest.mark.parametrize("where", ["name", "title", "description", "message"])
def test_no_form_asks_for_passwords_keys_or_cards(words, where):
    name, message = words if where == "name" else "it", words if where == "message" else "Hello"
    schema = {"type": "string", where: words} if where in ("title", "description") else {"type": "string"}
    with pytest.raises(FormRefused, match="must not ask for passwords"):
        read_schema(message, {"properties": {name: schema}}, "h.example")


@pytest.mark.parametrize("words", ["Passenger", "Secret Santa budget", "Key figures", "Shipping address", "Pinboard"])
def test_words_that_only_look_alike_are_no_secrets(words):
    assert one({"type": "string", "title": words}).fields[0].label == words


def test_what_the_asker_proposed_is_not_the_persons_own_word():
    evil = "https://evil.example/?q=secret"
    fields = {**SCHEMA["properties"], "to": {"type": "string", "default": evil}}
    form = read_schema("Where to?", {"properties": fields}, "")
    answers = {"city": "Rome", "nights": 3, "room": "d", "to": evil}
    assert own_words(form, answers) == ("Rome",)
    assert own_words(form, answers | {"nights": 4}) == ("Rome", "4")
    assert own_words(form, answers | {"to": f"{evil} "}) == ("Rome",)


# Decisions

ASK = BUILTIN_TOOLS["ask_user"].spec
FIELDS = [
    {"name": "city", "kind": "text", "required": True},
    {"name": "room", "kind": "choice", "options": ["s", "d"]},
]
CALL = ToolCall(call_id="c", name="ask_user", arguments={"message": "Where to?", "fields": FIELDS})
ABLE = ModelAbility(calls_tools=True, writes_from_sources=True, context_tokens=8000)


def state(*steps, call: ToolCall = CALL, tools=(ASK,)) -> TurnState:
    log = (UserMessage(text="Book it."), ModelReply(text="", tool_calls=(call,)), *steps)
    return TurnState(GptSpec(slug="x", name="X"), ABLE, log, (), {tool.name: tool for tool in tools})


def asked(**facts) -> ApprovalRequest:
    return ApprovalRequest(call_id="c", name="ask_user", digest="d", form=read_arguments(CALL.arguments), **facts)


def test_a_call_of_ask_user_shows_the_form_waits_and_is_answered():
    first = decide(state())
    assert isinstance(first, AskApproval)
    assert first.form == read_arguments(CALL.arguments)
    waiting = state(asked())
    assert decide(waiting) == Wait()
    assert status_of(waiting.steps) == "requires_action"
    answered = state(asked(), Approval(call_id="c", allowed=True, digest="d", answers={"city": "Rome"}))
    assert decide(answered) == RunTools((CALL,), announce=False)


@pytest.mark.parametrize(("dismissed", "reason"), [(False, NOT_ANSWERED), (True, DISMISSED)])
def test_a_person_who_does_not_answer_is_not_asked_again(dismissed, reason):
    answer = Approval(call_id="c", allowed=False, digest="d", dismissed=dismissed)
    assert decide(state(asked(), answer)) == RejectCall(CALL, reason)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"message": "Hi"},
        {"message": "Hi", "fields": []},
        {"message": "Hi", "fields": [{"name": "a", "kind": "file"}]},
        {"message": "Hi", "fields": [{"name": "a", "kind": "text", "onfocus": "alert(1)"}]},
        {"message": "Hi", "fields": [{"name": "a", "kind": "text"}] * 2},
        {"message": "Hi", "fields": [{"name": "password", "kind": "text"}]},
        {"message": "Hi", "fields": "all"},
    ],
)
def test_a_form_that_cannot_be_shown_is_the_models_to_mend(arguments):
    call = ToolCall(call_id="c", name="ask_user", arguments=arguments)
    decision = decide(state(call=call))
    assert isinstance(decision, RejectCall)
    assert "form" in decision.reason.lower()


def test_the_form_tells_whose_text_may_have_asked_for_it():
    evil = ToolSpec(name="evil", description="x", parameters={}, written_by="the tool descriptions of evil.example")
    decision = decide(state(tools=(ASK, evil)))
    assert isinstance(decision, AskApproval)
    assert decision.ask.because == ("the tool descriptions of evil.example",)


def test_answers_are_the_persons_words_unless_a_server_asked_for_them():
    answer = Approval(call_id="c", allowed=True, digest="d", answers={"city": "Rome", "room": "d"})
    log = state(asked(), answer).steps
    assert context_of((), log, {}).said == ("Book it.", "Rome")
    form = asked().form
    assert form
    server = asked().model_copy(update={"form": form.model_copy(update={"asker": "h.example"})})
    assert context_of((), state(server, answer).steps, {}).said == ("Book it.",)


def test_answers_do_not_improve_what_was_read_before():
    read = ToolResult(call_id="r", name="open_page", text="x", label=untrusted("the page evil.example"))
    answer = Approval(call_id="c", allowed=True, digest="d", answers={"city": "Rome"})
    assert context_label((), state(read, asked(), answer).steps, {}).is_untrusted


def test_a_form_of_a_call_whose_worker_died_is_gone_with_the_call():
    tool = ToolSpec(name="book", description="", parameters={}, effect="write", reach="host", host="h.example")
    call = ToolCall(call_id="c", name="book", arguments={})
    started, form = ToolStarted(call_id="c", name="book"), asked().model_copy(update={"name": "book"})
    held = state(started, form, call=call, tools=(tool,))
    decision = decide(held)
    assert isinstance(decision, RejectCall)
    assert (decision.call.call_id, decision.reason) == ("c", INTERRUPTED)
    over = (*held.steps, ToolResult(call_id="c", name="book", text=INTERRUPTED, ok=False))
    assert status_of(over) == "in_progress"


def test_steps_of_forms_survive_storage():
    answer = Approval(call_id="c", allowed=True, answers={"extras": ["a"]})
    for step in (asked(), answer):
        assert load_step(json.loads(step.model_dump_json())) == step
