"""A creator's whole day by program, with `/api`'s OpenAPI document as the only source of addresses and shapes."""

import json
from typing import Any

import jsonschema
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from gpts.runs.steps import ApprovalRequest, Finished
from tests.web.api.conftest import bearer, key_of
from tests.web.api.test_actions import DOCUMENT
from web import rpc
from web.accounts.services import confirm
from web.builder.files import file_became_ready
from web.builder.models_files import KnowledgeFile
from web.runs import log, services
from workers.rpc import actions as action_calls
from workers.tools.settings import ToolSettings


class Program:
    """Calls operations by their names in the document, and holds each response against it."""

    def __init__(self, user: Any) -> None:
        self._client = bearer(key_of(user, may_approve=True))
        self._document = json.loads(self._client.get("/api/openapi.json").content)
        self._operations = {
            operation["operationId"]: (method, path, operation)
            for path, methods in self._document["paths"].items()
            for method, operation in methods.items()
        }

    def call(self, name: str, sent: Any = None, query: str = "", **places: Any) -> Any:
        """The body of the response to the operation called `name`, which is one that the document promises."""
        method, path, operation = self._operations[name]
        json_body = "application/json" in operation.get("requestBody", {}).get("content", {})
        kind = {"content_type": "application/json"} if json_body else {}
        response = getattr(self._client, method)(path.format(**places) + query, sent, **kind)
        promised = operation["responses"][str(response.status_code)]
        assert response.status_code < 400, response.content
        content = promised.get("content", {}).get("application/json")
        if content is None:
            return response
        told = response.json()
        jsonschema.validate(told, {**content["schema"], "components": self._document["components"]})
        return told


@pytest.fixture
def reads_actions(monkeypatch):
    """A worker that reads the documents of actions."""

    def ask(task: str, *args: str, queue: str, timeout_s: float) -> Any:
        return action_calls.read_action(args[0], args[1], json.loads(args[2]), ToolSettings())

    monkeypatch.setattr(rpc, "call", ask)


def read_files(gpt: str) -> None:
    """As the workers read all files of the GPT."""
    for file in KnowledgeFile.objects.filter(gpt__slug=gpt, removed=None):
        file.status = file.Status.READY
        file.save()
        file_became_ready(file)


def test_a_creators_whole_day(alice, bob, sent_tasks, reads_actions):
    confirm(bob)
    alices, bobs = Program(alice), Program(bob)
    made = alices.call("create_gpt", {"name": "Tea Master", "description": "Brews.", "instructions": "Be brief."})
    at = {"slug": made["slug"]}
    file = alices.call("add_file", {"file": SimpleUploadedFile("tea.txt", b"Green tea: 80 degrees.")}, **at)
    assert file["is_settled"] is False
    read_files(made["slug"])
    settled = alices.call("read_file", file_id=file["id"], **at)
    assert (settled["is_settled"], settled["status"]) == (True, "ready")
    action = alices.call("add_action", {"document": DOCUMENT, "privacy_url": "https://parts.example/privacy"}, **at)
    assert alices.call("list_actions", **at)["items"][0]["id"] == action["id"]
    published = alices.call("publish_gpt", {"sharing": "link"}, **at)
    assert (published["number"], published["current"]) == (1, True)
    alices.call("share_gpt", {"email": "bob@example.org", "right": "chat"}, **at)

    tried = alices.call("start_run", {"text": "Hot?", "preview": True, "version": 1}, **at)
    assert alices.call("cancel_run", run_id=tried["id"])["cancelled"]
    run = alices.call("start_run", {"text": "How hot?"}, **at)
    lease = log.claim(run["id"])
    log.append(run["id"], ApprovalRequest(call_id="c", name="add_part", digest="d"), lease)
    (waiting,) = alices.call("list_runs", query="?status=requires_action")["items"]
    (asked,) = waiting["approvals"]
    answer = {"call_id": asked["call_id"], "digest": asked["digest"], "allowed": False}
    alices.call("answer_approval", answer, run_id=asked["run"])
    services.finish_run(run["id"], Finished(text="80 degrees."), lease)
    assert alices.call("read_run", run_id=run["id"])["answer"] == "80 degrees."

    link = alices.call("create_share", {"audience": "people"}, conversation_id=run["conversation"])
    token = link["url"].rstrip("/").rpartition("/")[2]
    assert bobs.call("read_shared_chat", token=token)["messages"][0]["answer"] == "80 degrees."
    own = bobs.call("continue_shared_chat", token=token)
    assert bobs.call("read_conversation", conversation_id=own["id"])["messages"][0]["answer"] == "80 degrees."

    archive = b"".join(alices.call("export_gpt", **at))
    (copy,) = alices.call("import_anything", {"file": SimpleUploadedFile("tea.gpt.zip", archive)})["gpts"]
    assert copy["name"] == "Tea Master"
    for slug in (copy["slug"], made["slug"]):
        alices.call("delete_gpt", slug=slug)
    assert alices.call("list_gpts")["items"] == []
