"""One hall asks another: our tool calls our own door, over HTTP and with a key, as it would a stranger's."""

from dataclasses import replace
from functools import partial

import pytest

from gpts.runs.steps import FileRef
from gpts.spec.gpt import GptSpec
from tests.web.api.conftest import ANSWER, key_of
from web.accounts.services import revoke_key
from web.builder.models import Gpt
from web.builder.models_actions import RemoteAgentRow
from web.builder.services import create_gpt, set_sharing
from web.runs import files
from web.runs.models import Run
from workers.egress import EgressConfig
from workers.rpc import actions as action_calls
from workers.rpc.sign_ins import find_credential
from workers.tools import ToolContext, ToolError
from workers.tools.a2a import granted
from workers.tools.settings import ToolSettings


@pytest.fixture
def row(live, gpt, bob, alice, settings) -> RemoteAgentRow:
    """The Pump Doctor, which only Alice may call, as a remote agent of Bob's GPT, with Alice's key."""
    settings.SITE_URL = live
    set_sharing(gpt, "me", by=gpt.owner)
    asking: Gpt = create_gpt(bob, {"name": "Desk"})
    url = f"{live}/a2a/pump-doctor/.well-known/agent-card.json"
    made = RemoteAgentRow(gpt=asking, name="Pump Doctor", card_url=url, url=url, auth="bearer")
    made.keep_secret(key_of(alice), by=made.gpt.owner)
    made.save()
    return made


@pytest.fixture
def tool(row, live):
    egress = EgressConfig(allow=(live.removeprefix("http://"),))
    its = ToolSettings(egress, partial(find_credential, egress))
    facts = action_calls.agent_card(row.card_url, row.id, its)["card"]
    row.url, row.description = facts["url"], facts["description"]
    row.save()
    spec = row.gpt.draft_spec()
    return granted(spec, its)["ask_pump_doctor"]


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def context(bob, told) -> ToolContext:
    def keep(name: str, mime: str, data: bytes) -> FileRef:
        told.append(f"{name}: {len(data)} bytes")
        return FileRef(name=name, mime=mime)

    return ToolContext("c", "s", bob.id, GptSpec(slug="x", name="X"), 20.0, keep=keep, progress=told.append)


def test_a_question_is_answered_by_the_other_hall(tool, context, worker, meanwhile, alice):
    meanwhile(worker.answer)
    output = tool.run({"task": "Which seal?"}, context)
    assert (output.text, output.ok) == (ANSWER, True)
    run = Run.objects.get()
    assert (run.owner, run.message.text, run.status) == (alice, "Which seal?", Run.Status.COMPLETED)


def test_files_come_along(tool, context, worker, meanwhile, told):
    def make() -> None:
        worker.take()
        kept = files.keep(Run.objects.get(id=worker.run_id), "parts.csv", b"a,b", False)
        worker.use_tool("", kept)
        worker.finish("Here it is.", ())

    meanwhile(make)
    assert tool.run({"task": "List them"}, context).text == "Here it is.\nFiles kept: parts.csv."
    assert "parts.csv: 3 bytes" in told


def test_what_waits_for_a_person_there_is_told_and_given_up(tool, context, worker, meanwhile):
    meanwhile(lambda: (worker.take(), worker.ask_person()))
    output = tool.run({"task": "Send it"}, context)
    assert not output.ok
    assert "Pump Doctor needs more information" in output.text
    assert "asks for approval: send_mail." in output.text
    assert Run.objects.get().status == Run.Status.CANCELLED


def test_a_stopped_run_stops_the_other_one(tool, context, worker, meanwhile, told):
    def check() -> None:
        if told:
            raise RuntimeError("stopped")

    meanwhile(lambda: (worker.take(), worker.retrieve()))
    with pytest.raises(RuntimeError, match="stopped"):
        tool.run({"task": "Think"}, replace(context, check=check, progress=told.append))
    assert Run.objects.get().status == Run.Status.CANCELLED


def test_a_revoked_key_opens_nothing(tool, context, alice):
    revoke_key(alice, alice.api_keys.get().id)
    with pytest.raises(ToolError, match="no Agent Card at this URL, or requires a key for it"):
        tool.run({"task": "Which seal?"}, context)
    assert not Run.objects.exists()
