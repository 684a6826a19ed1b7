"""How long a prompt would be: what the same request then takes, by the tokenizer of the model that answers."""

import pytest

from tests.web.api.conftest import bearer, key_of, live
from tests.web.test_doors import Person, at_work, posted
from tests.workers.made_services import made_services
from tests.workers.runs.test_loop import Embedder
from web import rpc
from workers import configuration, tasks

__all__ = ["live"]
ASKED = [{"role": "user", "content": "Which seal fits the Z-9, and why is it that one?"}]
LONGER = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hello to you."}, *ASKED]


@pytest.fixture
def worker_process(monkeypatch):
    """A worker whose model says hello, and that answers RPC."""
    its = made_services(lambda messages: "Hello.", None, Embedder())
    monkeypatch.setattr(tasks, "services", lambda: its)
    monkeypatch.setattr(configuration, "_services", lambda: its)
    monkeypatch.setattr(rpc, "call_for", lambda person, task, *args, **_: tasks.count_tokens(*args))
    with at_work(monkeypatch, its):
        yield


def test_a_count_is_what_the_request_then_takes(live, gpt, bob, worker_process):
    with Person(live, bob).http() as client:
        for turns in (ASKED, LONGER):
            body = {"model": gpt.slug, "max_tokens": 50, "messages": turns}
            counted = posted(client, "/v1/messages/count_tokens", {**body, "system": "Be brief."})
            taken = posted(client, "/v1/messages", {**body, "system": "Be brief."})
            assert counted == {"input_tokens": taken["usage"]["input_tokens"]}
        first = posted(client, "/v1/responses", {"model": gpt.slug, "input": "Hello"})
        body = {"model": gpt.slug, "input": "Which seal fits?", "previous_response_id": first["id"]}
        counted = posted(client, "/v1/responses/input_tokens", body)
        taken = posted(client, "/v1/responses", body)
        assert counted == {"object": "response.input_tokens", "input_tokens": taken["usage"]["input_tokens"]}


def test_what_cannot_be_counted_is_said(gpt, bob, charlie, monkeypatch):
    bobs, body = bearer(key_of(bob)), {"model": gpt.slug, "messages": ASKED}
    file = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "YQ=="}}
    with_file = {**body, "messages": [{"role": "user", "content": [{"type": "text", "text": "Read"}, file]}]}

    def answer(sent):
        return bobs.post("/v1/messages/count_tokens", sent, content_type="application/json")

    def away(*_, **__):
        raise rpc.NoResult(rpc.AWAY)

    monkeypatch.setattr(rpc, "call_for", away)
    assert answer(with_file).status_code == 400
    assert answer({**body, "model": "nobody"}).json()["error"]["type"] == "not_found_error"
    assert answer(body).status_code == 503  # no worker
    monkeypatch.setattr(rpc, "call_for", lambda *_, **__: {"refused": "The model isn’t available right now."})
    assert answer(body).status_code == 503
