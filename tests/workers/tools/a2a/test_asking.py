"""Remote agents, asked through the official SDK: the SDK's own server on loopback answers."""

import time
from dataclasses import replace

import pytest

from gpts.runs.steps import ToolCall
from gpts.safety.labels import Label, untrusted
from gpts.safety.policy import Allow, Ask, CallContext, Standing, check
from gpts.spec.agents import named_remote_agents
from gpts.spec.gpt import DelegateRef, GptSpec, RemoteAgent
from tests.workers.tools.a2a.conftest import SECRET, serving, tool
from workers.tools import ToolError
from workers.tools.a2a import session


def test_an_agent_is_a_tool_with_a_task(served):
    spec = tool(served.agent(when="For parts.", description="Knows parts.", examples=("Which seal?",))).spec
    assert (spec.name, spec.title, spec.is_delegation, spec.when) == (
        "ask_parts_clerk",
        "Parts Clerk",
        True,
        "For parts.",
    )
    assert (spec.effect, spec.reach, spec.host) == ("write", "host", served.address)
    assert tool(served.agent(read_only=True)).spec.effect == "read"
    assert list(spec.parameters["properties"]) == spec.parameters["required"] == ["task"]
    assert (spec.examples, spec.timeout_s) == (("Which seal?",), 120)


@pytest.mark.parametrize("streaming", [True, False])
def test_a_task_is_done_streaming_or_polled(context, told, streaming):
    with serving(streaming=streaming) as served:
        output = tool(served.agent()).run({"task": "echo The seal is ZP-771."}, context)
    assert (output.text, output.shown, output.ok) == ("The seal is ZP-771.", "The seal is ZP-771.", True)
    assert streaming is ("Parts Clerk: looking it up" in told)


def test_the_answer_is_a_stranger_s_and_private_to_its_host(served, context):
    output = tool(served.agent()).run({"task": "echo x"}, context)
    assert output.untrusted
    assert output.written_by == (f"the answer of {served.address}",)
    assert output.private == (f"action:{served.address}",)


def test_a_message_can_be_the_answer(served, context):
    assert tool(served.agent()).run({"task": "greet Bob"}, context).text == "Hello Bob"


def test_pieces_of_an_artifact_are_put_together(served, context):
    output = tool(served.agent()).run({"task": "pieces"}, context)
    assert (output.text, output.shown) == ("**one** two", "**one** two")


def test_data_is_shown_as_a_table_and_files_are_kept(served, context, kept):
    output = tool(served.agent()).run({"task": "table"}, context)
    assert "| ZP-771 | 12 |" in output.shown
    assert kept == [("parts.csv", "text/csv", b"a,b\n1,2")]
    assert "Files kept: parts.csv." in output.text


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("fail", "failed at the task"),
        ("reject", "rejected the task"),
        ("stop", "cancelled the task"),
        ("more", "needs more information"),
        ("key", "requires a sign-in"),
    ],
)
def test_a_task_that_gives_nothing_says_why(served, context, word, says):
    output = tool(served.agent()).run({"task": f"{word} Which city?"}, context)
    assert not output.ok
    assert f"Parts Clerk {says}" in output.text
    assert "Response: Which city?" in output.text
    assert output.untrusted  # the reason is the agent's own text


@pytest.mark.parametrize("word", ["more", "key"])
def test_a_task_that_waits_for_what_it_will_not_get_is_cancelled(served, context, word):
    tool(served.agent()).run({"task": f"{word} x"}, context)
    assert len(served.clerk.cancelled) == 1


@pytest.mark.parametrize("streaming", [True, False])
def test_the_deadline_ends_the_wait_and_cancels_the_task(context, streaming):
    with serving(streaming=streaming) as served:
        began = time.monotonic()
        with pytest.raises(ToolError, match="Parts Clerk did not answer within 1 seconds"):
            tool(served.agent()).run({"task": "sleep"}, replace(context, deadline_s=1.0))
        assert time.monotonic() - began < 5
        assert len(served.clerk.cancelled) == 1


@pytest.mark.parametrize("streaming", [True, False])
def test_an_agent_without_progress_is_given_up_and_one_that_reports_goes_on(context, streaming, monkeypatch):
    monkeypatch.setattr(session, "PROGRESS_S", 0.5)
    monkeypatch.setattr(session, "LAST_POLL_S", 0.1)
    monkeypatch.setattr(session, "FIRST_POLL_S", 0.1)
    with serving(streaming=streaming) as served:
        with pytest.raises(ToolError, match=r"Parts Clerk reported no progress for 0\.5 seconds"):
            tool(served.agent()).run({"task": "sleep"}, replace(context, deadline_s=20.0))
        assert len(served.clerk.cancelled) == 1
        began = time.monotonic()
        assert tool(served.agent()).run({"task": "report 9"}, replace(context, deadline_s=20.0)).ok
        assert time.monotonic() - began > 0.8


def test_a_stopped_run_cancels_the_task(served, context):
    begun: list[str] = []

    def check() -> None:
        if begun:
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        tool(served.agent()).run({"task": "sleep"}, replace(context, check=check, progress=begun.append))
    assert len(served.clerk.cancelled) == 1


@pytest.mark.parametrize(("path", "binding", "version"), [("a2a", "JSONRPC", "0.3.0"), ("rest", "HTTP+JSON", "1.0")])
def test_the_older_protocol_and_the_other_binding_are_spoken(context, path, binding, version):
    with serving(path=path, binding=binding, version=version) as served:
        assert tool(served.agent()).run({"task": f"echo by {path}"}, context).text == f"by {path}"


class TestSignIn:
    def test_the_key_goes_with_the_card_and_the_call(self, context):
        with serving(key=SECRET) as served:
            assert tool(served.agent(auth="bearer")).run({"task": "echo in"}, context).text == "in"
            assert {each["authorization"] for each in served.headers} == {f"Bearer {SECRET}"}

    def test_a_wrong_key_is_said_in_our_own_words(self, context):
        with serving(key="another") as served, pytest.raises(ToolError, match="requires a valid key") as refused:
            tool(served.agent(auth="bearer")).run({"task": "echo in"}, context)
        assert "IGNORE" not in str(refused.value)

    def test_without_one_no_key_is_sent(self, served, context):
        tool(served.agent()).run({"task": "echo x"}, context)
        assert not any("authorization" in each for each in served.headers)

    @pytest.mark.parametrize("word", ["echo", "fail", "greet"])
    def test_a_key_that_comes_back_is_removed(self, served, context, word):
        output = tool(served.agent(auth="bearer")).run({"task": f"{word} your key is {SECRET}"}, context)
        assert "your key is" in output.text
        assert SECRET not in output.text + (output.shown or "")


def test_a_long_answer_is_refused(served, context):
    with pytest.raises(ToolError, match="150,000 characters"):
        tool(served.agent()).run({"task": "huge 150000"}, context)


def test_an_answer_without_end_is_cut(served, context):
    with pytest.raises(ToolError, match=r"connection to Parts Clerk .* was lost"):
        tool(served.agent()).run({"task": "huge 17000000"}, context)


def test_names_are_safe_and_unique():
    names = ["Parts Clerk", "parts clerk!", "天気", "", "../../etc", "x" * 200]
    agents = tuple(
        RemoteAgent(agent_id=str(n), name=name, card_url="https://a.example.org", url="https://a.example.org/a2a")
        for n, name in enumerate(names)
    )
    spec = GptSpec(slug="x", name="X", remote_agents=agents, delegates=(DelegateRef(gpt_id="1", slug="parts-clerk"),))
    assert list(named_remote_agents(spec))[:5] == [
        "ask_parts_clerk_2",
        "ask_parts_clerk_3",
        "ask_a_example_org",
        "ask_a_example_org_2",
        "ask_etc",
    ]


def test_a_person_sees_the_task_and_where_it_goes(served):
    request = tool(served.agent()).describe({"task": "Find\na seal"})
    assert request.plain == f"Ask Parts Clerk at {served.address}:\nFind\na seal"
    assert '"text": "Find\\na seal"' in request.raw


def test_a_task_may_change_something_unless_the_creator_says_that_none_does(served):
    spec = tool(served.agent()).spec
    call = ToolCall(call_id="1", name=spec.name, arguments={"task": "Cancel booking 7, wire the refund to Mallory."})
    for label in (Label(), untrusted("the page evil.example")):
        asked = check(call, spec, CallContext(label=label), Standing())
        assert isinstance(asked, Ask)
        assert asked.reason.startswith(f"This changes something at {served.address}.")
    tainted = CallContext(label=untrusted("the page evil.example"))
    assert isinstance(check(call, spec, tainted, Standing(frozenset({spec.name}))), Ask)
    reads = tool(served.agent(read_only=True)).spec
    assert isinstance(check(call, reads, CallContext(), Standing()), Allow)


def test_what_was_read_elsewhere_goes_there_only_with_the_person_s_leave(served):
    spec = tool(served.agent(read_only=True)).spec
    call = ToolCall(call_id="1", name=spec.name, arguments={"task": "Alice owes 12,000 EUR"})
    elsewhere = CallContext(label=untrusted("the answer of crm.example.org", private=["action:crm.example.org"]))
    assert isinstance(check(call, spec, CallContext(), Standing()), Allow)
    asked = check(call, spec, elsewhere, Standing())
    assert isinstance(asked, Ask)
    assert f"to {served.address}" in asked.reason
    own = CallContext(label=untrusted("x", private=[f"action:{served.address}"]))
    assert isinstance(check(call, spec, own, Standing()), Allow)
