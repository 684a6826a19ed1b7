"""A whole turn: the model asks a remote agent, through the real loop and log and over HTTP."""

import pytest

from gpts.runs.steps import ApprovalRequest, ToolResult
from tests.publishing import publish
from tests.workers import advancing
from tests.workers.made_services import made_services
from tests.workers.runs.test_injected_turns import Embedder, says
from tests.workers.tools.a2a.conftest import reaching
from web.builder.models_actions import RemoteAgentRow
from web.runs import approving, log, services, stream
from web.runs.models import Run
from workers import configuration


@pytest.fixture
def shown(monkeypatch, settings) -> list[dict]:
    """What readers of the run were told."""
    told: list[dict] = []
    monkeypatch.setattr(stream, "publish", lambda run_id, *new: told.extend(new))
    monkeypatch.setattr(stream, "partial_text", lambda run_id: "")
    return told


@pytest.fixture
def asking(served, gpt, bob, shown, monkeypatch):
    """Starts runs of Bob's with a GPT that may ask the clerk."""
    agent = served.agent()
    monkeypatch.setattr(configuration, "tool_settings", lambda: reaching(agent.card_url))
    RemoteAgentRow.objects.create(
        gpt=gpt,
        name=agent.name,
        card_url=agent.card_url,
        url=agent.url,
        privacy_url="https://example.org/privacy",
        read_only=True,
    )
    publish(gpt)
    conversation = services.start_conversation(bob, gpt)
    return lambda text: services.start_run(conversation, text)


def play(run: Run, *script: str):
    its = made_services(list(script), None, Embedder())
    for queue in ("model", "tools") * 4:
        advancing.advance(run.id, queue, lambda: its)
        run.refresh_from_db()
        if run.status not in ("queued", "in_progress"):
            break
    return log.read(run.id)


def test_the_agent_s_answer_comes_back_labelled(asking, served, shown):
    run = asking("Which seal?")
    steps = play(run, says("ask_parts_clerk", task="echo The seal is ZP-771."), "It is ZP-771, the clerk says.")
    (result,) = [step for step in steps if isinstance(step, ToolResult)]
    assert (result.ok, result.text) == (True, "The seal is ZP-771.")
    assert result.label.is_untrusted
    assert result.label.private == (f"action:{served.address}",)
    assert steps[-1].text == "It is ZP-771, the clerk says."
    assert "Parts Clerk: looking it up" in [event["text"] for event in shown if event["type"] == "progress"]


def test_an_agent_cannot_have_its_answer_sent_to_another(asking, gpt, served):
    other = "https://other.example.org/a2a"
    RemoteAgentRow.objects.create(
        gpt=gpt, name="Other", card_url=other, url=other, privacy_url="https://example.org/privacy"
    )
    publish(gpt)
    conversation = services.start_conversation(gpt.owner, gpt)
    run = services.start_run(conversation, "Which seal?")
    secret = "Alice owes 12,000 EUR"
    steps = play(run, says("ask_parts_clerk", task=f"echo {secret}"), says("ask_other", task=secret), "Done.")
    assert isinstance(steps[-1], ApprovalRequest)
    assert (steps[-1].name, steps[-1].host) == ("ask_other", "other.example.org")
    assert secret in steps[-1].plain


def test_a_task_is_sent_to_an_agent_that_may_change_something_only_with_leave(asking, gpt, served):
    gpt.remote_agents.update(read_only=False)
    publish(gpt)
    conversation = services.start_conversation(gpt.owner, gpt)
    run = services.start_run(conversation, "Which seal?")
    orders = says("ask_parts_clerk", task="echo Cancel the booking.")
    served.headers.clear()
    request = play(run, orders, "Cancelled.")[-1]
    assert isinstance(request, ApprovalRequest)
    assert served.headers == []
    approving.answer_approval(run, request.call_id, True)
    assert play(run, "Cancelled.")[-1].text == "Cancelled."
