"""Pictures at URLs in the parts of a message."""

import asyncio
from uuid import UUID

import pytest

from web.api.content_files import content_file, fetched
from web.api.errors import ApiError

URL = "https://pictures.example/a.png"


def test_a_worker_reads_the_picture_at_a_url(bob, monkeypatch, db):
    calls = []

    def call_for(person, task, *args, queue, timeout_s):
        calls.append((person, task, args, queue))
        return {"file": str(UUID(int=7))}

    monkeypatch.setattr("web.rpc.call_for", call_for)
    given = content_file("image_url", {"url": URL, "detail": "low"}, "messages.0.content.1")
    assert asyncio.run(fetched(bob, given)).id == UUID(int=7)
    assert calls == [(bob.pk, "workers.tasks.fetch_picture", (str(bob.pk), URL), "tools")]


def test_what_the_worker_refuses_names_the_part(bob, monkeypatch, db):
    monkeypatch.setattr("web.rpc.call_for", lambda *args, **more: {"refused": "It is private."})
    given = content_file("image_url", URL, "messages.0.content.1")
    with pytest.raises(ApiError, match="It is private") as refused:
        asyncio.run(fetched(bob, given))
    problem = refused.value.problem
    assert (problem.status, problem.field, problem.code) == (
        400,
        "messages.0.content.1.image_url.url",
        "invalid_image_url",
    )
