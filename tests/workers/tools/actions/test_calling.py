"""Calls of actions against a service on loopback, through the guard."""

import json
from base64 import b64encode

import pytest

from gpts.spec.actions import ActionSpec, Operation
from gpts.spec.gpt import GptSpec
from tests.workers.tools.actions.conftest import SECRET
from workers.tools import SignInNeeded, ToolError
from workers.tools.actions import granted
from workers.tools.credentials import NOTHING
from workers.tools.settings import ToolSettings


def action(service, auth="none", *operations) -> ActionSpec:
    listed = operations or (Operation(name="listParts", method="GET", path="/parts", summary="List the parts."),)
    return ActionSpec(action_id="11111111-1111-1111-1111-111111111111", name="Parts", base_url=service.url, auth=auth,
                      operations=listed)  # fmt: skip


def tools(*actions: ActionSpec, settings: ToolSettings = ToolSettings()):  # noqa: B008 - frozen
    return granted(GptSpec(slug="x", name="X", actions=actions), settings)


def run(service, spec: ActionSpec, context, name="listParts", **arguments):
    return tools(spec, settings=service.settings)[name].run(arguments, context)


def test_an_answer_is_read_and_shown_as_a_table(service, context):
    service.says([{"name": "Seal", "price": 4}, {"name": "O|Ring", "price": 1}])
    output = run(service, action(service), context)
    assert output.text == '[{"name":"Seal","price":4},{"name":"O|Ring","price":1}]'
    assert output.shown == "| name | price |\n| --- | --- |\n| Seal | 4 |\n| O\\|Ring | 1 |"
    host = service.url.removeprefix("http://")
    assert (output.untrusted, output.private) == (True, (f"action:{host}",))
    assert output.written_by == (f"the answer of {host}",)


def test_an_object_is_shown_as_a_list_and_its_markdown_is_harmless(service, context):
    service.says({"name": "![x](http://evil.example/?q=1)", "n": None})
    shown = run(service, action(service), context).shown
    assert shown.startswith("- **name**: \\!\\[x\\](http")


def test_a_long_list_is_cut_in_what_is_shown_only(service, context):
    service.says([{"n": n} for n in range(30)])
    output = run(service, action(service), context)
    assert output.shown.count("\n| ") == 21
    assert "… and 10 more." in output.shown
    assert '{"n":29}' in output.text


def test_a_page_is_read_as_text(service, context):
    html = b"<title>Hi</title><script>evil()</script><p>One</p><p>Two</p>"
    service.respond = lambda asked: (200, {"Content-Type": "text/html"}, html)
    assert run(service, action(service), context).text == "Hi\nOne\nTwo"


@pytest.mark.parametrize(
    ("status", "words"), [(404, "found nothing"), (401, "sign-in"), (500, "had an internal error")]
)
def test_an_error_is_a_sentence_with_its_status(service, context, status, words):
    service.says({"why": "because"}, status)
    output = run(service, action(service), context)
    assert not output.ok
    assert words in output.text
    assert f"status {status}" in output.text
    assert "because" in output.text


def test_the_secret_goes_to_the_service_and_never_comes_back(service, context):
    def echo(asked):
        seen = asked.headers["authorization"]
        raw = SECRET.encode()
        told = {"plain": seen, "b64": b64encode(b"x" + raw).decode(), "hex": raw.hex(), "escaped": SECRET}
        text = json.dumps(told).replace("sk-", "\\u0073k-")
        return 200, {"Content-Type": "application/json", "X-Echo": seen}, text.encode()

    service.respond = echo
    output = run(service, action(service, "bearer"), context)
    assert service.asked[0].headers["authorization"] == f"Bearer {SECRET}"
    for text in (output.text, output.shown or ""):
        assert SECRET not in text
        assert SECRET.encode().hex() not in text
        assert b64encode(SECRET.encode()).decode()[4:-4] not in text


def test_an_argument_cannot_take_the_place_of_the_secret(service, context):
    takes = Operation(name="op", method="GET", path="/", places={"authorization": "header"},
                      parameters={"type": "object", "properties": {"authorization": {"type": "string"}}})  # fmt: skip
    run(service, action(service, "bearer", takes), context, "op", authorization="mine")
    assert service.asked[0].headers["authorization"] == f"Bearer {SECRET}"


def test_the_person_reads_the_request_without_the_secret(service):
    tool = tools(action(service, "bearer"))["listParts"]
    request = tool.describe({})
    assert request.plain == f"Read from {service.url.removeprefix('http://')} with the creator's key: List the parts."
    assert f"GET {service.url}/parts" in request.raw
    assert "Authorization: [secret]" in request.raw
    assert SECRET not in request.raw


def test_without_a_provider_nothing_is_sent(service, context):
    service.find_credential = ToolSettings().find_credential
    with pytest.raises(ToolError, match="requires a sign-in"):
        run(service, action(service, "bearer"), context)
    assert service.asked == []


def test_a_missing_sign_in_is_told_apart(service, context):
    def find_credential(*_):
        raise SignInNeeded("You have to sign in first.")

    service.find_credential = find_credential
    with pytest.raises(SignInNeeded):
        run(service, action(service, "oauth"), context)


def test_the_guard_stands_before_private_addresses(context):
    inside = ActionSpec(action_id="1", name="Inside", base_url="http://169.254.169.254",
                        operations=(Operation(name="listParts", method="GET", path="/latest"),))  # fmt: skip
    with pytest.raises(ToolError):
        tools(inside)["listParts"].run({}, context)


def test_a_secret_does_not_follow_a_redirect_to_another_host(service, context):
    service.respond = lambda asked: (302, {"Location": "http://localhost:1/steal"}, b"")
    with pytest.raises(ToolError):
        run(service, action(service, "bearer"), context)
    assert len(service.asked) == 1


def test_an_answer_over_the_limit_is_an_error(service, context):
    service.says("a" * 100_001)
    with pytest.raises(ToolError, match="fewer than 100,000"):
        run(service, action(service), context)


def test_files_of_an_answer_are_kept(service, context, kept):
    content = b64encode(b"%PDF").decode()
    service.says(
        {"ok": 1, "openaiFileResponse": [{"name": "../a.pdf", "mime_type": "application/pdf", "content": content}]}
    )
    output = run(service, action(service), context)
    assert kept == [("a.pdf", "application/pdf", b"%PDF")]
    assert output.files[0].name == "a.pdf"
    assert content not in output.text


def test_files_at_addresses_are_fetched_without_the_secret(service, context, kept):
    def respond(asked):
        if asked.path == "/f/report.csv":
            return 200, {"Content-Type": "text/csv"}, b"a,b"
        body = json.dumps({"openaiFileResponse": [f"{service.url}/f/report.csv"]})
        return 200, {"Content-Type": "application/json"}, body.encode()

    service.respond = respond
    run(service, action(service, "bearer"), context)
    assert kept == [("report.csv", "text/csv", b"a,b")]
    assert "authorization" not in service.asked[1].headers


@pytest.mark.parametrize(
    "entries", [[{"content": "a"}] * 11, [{"content": "!"}], [{}], ["http://10.0.0.1/x"], ["file:///etc/passwd"]]
)
def test_bad_files_are_errors(service, context, entries, kept):
    service.says({"openaiFileResponse": entries})
    with pytest.raises(ToolError):
        run(service, action(service), context)
    assert kept == []


def test_a_file_of_the_conversation_is_sent_and_another_is_not(service, context):
    schema = {"type": "object", "properties": {"openaiFileIdRefs": {"type": "array"}}}
    places = {"openaiFileIdRefs": "body"}
    takes = Operation(name="send", method="POST", path="/", takes_files=True, places=places, parameters=schema)
    run(service, action(service, "none", takes), context, "send", openaiFileIdRefs=["note.txt"])
    assert json.loads(service.asked[0].body)["openaiFileIdRefs"][0]["download_link"].endswith("YSBub3Rl")
    with pytest.raises(ToolError, match=r"Its files: note\.txt"):
        run(service, action(service, "none", takes), context, "send", openaiFileIdRefs=["/etc/passwd"])


def test_effects_follow_method_and_document(service):
    operations = [
        Operation(name="a", method="GET", path="/"),
        Operation(name="b", method="GET", path="/", consequential=True),
        Operation(name="c", method="POST", path="/", consequential=False),
        Operation(name="d", method="DELETE", path="/"),
    ]
    granted_tools = tools(action(service, "none", *operations))
    assert {name: (tool.spec.effect, tool.spec.always_asks) for name, tool in granted_tools.items()} == {
        "a": ("read", False),
        "b": ("write", True),
        "c": ("write", False),
        "d": ("write", False),
    }


def test_no_action_takes_the_name_of_a_capability_or_of_another_action(service):
    mine = action(service, "none", Operation(name="code_interpreter", method="GET", path="/"),
                  Operation(name="x", method="GET", path="/"))  # fmt: skip
    names = list(tools(mine, mine))
    assert len(names) == len(set(names)) == 4
    assert "code_interpreter" not in names


def test_a_stopped_run_ends_the_call(service, context):
    class Stopped(Exception):
        pass

    def check():
        raise Stopped

    from dataclasses import replace

    with pytest.raises(Stopped):
        run(service, action(service), replace(context, check=check))


def test_what_the_log_of_this_process_prints_holds_no_secret(service):
    assert SECRET not in repr(service.find_credential("1", 1, "h"))
    assert NOTHING.headers == {}
