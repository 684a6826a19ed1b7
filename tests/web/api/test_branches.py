"""Branches of a chat over `/api`."""

import pytest

from gpts.runs.steps import Finished
from tests.web.api.conftest import bearer, key_of
from web.runs import log

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def send(bob):
    client = bearer(key_of(bob))

    def send(method, path, body=None, answer=""):
        given = (
            getattr(client, method)(f"/api/{path}")
            if body is None
            else getattr(client, method)(f"/api/{path}", body, content_type=JSON)
        )
        if answer:
            log.append(given.json()["id"], Finished(text=answer))
        return given.json()

    return send


def shown(send, chat):
    return [(each["text"], each["answer"]) for each in send("get", f"conversations/{chat}")["messages"]]


def test_messages_are_edited_answered_again_shown_and_forked(send, gpt):
    first = send("post", f"gpts/{gpt.slug}/runs", {"text": "One"}, "1")
    chat = first["conversation"]
    second = send("post", f"gpts/{gpt.slug}/runs", {"text": "Two", "conversation": chat}, "2")
    message = send("get", f"conversations/{chat}")["messages"][1]
    assert (message["versions"], message["answers"]) == ([second["id"]], [second["id"]])

    edited = send("post", f"conversations/{chat}/messages/{message['id']}", {"text": "Deux"}, "2b")
    assert shown(send, chat) == [("One", "1"), ("Deux", "2b")]
    again = send("post", f"conversations/{chat}/regenerate?run={first['id']}", {}, "1b")
    assert shown(send, chat) == [("One", "1b")]
    assert send("get", f"conversations/{chat}")["messages"][0]["answers"] == [first["id"], again["id"]]

    send("patch", f"conversations/{chat}", {"shown": first["id"]})
    assert shown(send, chat) == [("One", "1"), ("Deux", "2b")]
    send("patch", f"conversations/{chat}", {"shown": second["id"]})
    assert shown(send, chat) == [("One", "1"), ("Two", "2")]
    later = {"text": "Three", "conversation": chat, "after": edited["id"]}
    send("post", f"gpts/{gpt.slug}/runs", later, "3")
    assert shown(send, chat) == [("One", "1"), ("Deux", "2b"), ("Three", "3")]

    copy = send("post", f"conversations/{chat}/fork", {"run": second["id"]})["id"]
    assert shown(send, copy) == [("One", "1"), ("Two", "2")]
    assert shown(send, chat) == [("One", "1"), ("Deux", "2b"), ("Three", "3")]


def test_what_is_not_there_is_not_found(send, gpt, alice):
    first = send("post", f"gpts/{gpt.slug}/runs", {"text": "One"}, "1")
    chat, nobody = first["conversation"], "00000000-0000-4000-8000-000000000000"
    assert send("post", f"conversations/{chat}/messages/{nobody}", {"text": "Uno"})["status"] == 404
    assert send("patch", f"conversations/{chat}", {"shown": nobody})["status"] == 404
    assert send("post", f"conversations/{chat}/fork", {"run": nobody})["status"] == 404
    assert send("post", f"conversations/{chat}/regenerate?run={nobody}", {})["status"] == 404
