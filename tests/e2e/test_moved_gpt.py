"""A GPT that is exported on one site and imported on an empty one gives the same answers there."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from workers.bench.temporary_site import manage, temporary_site, web_server

pytestmark = [pytest.mark.process, pytest.mark.model]

MANUAL = b"# Pump\n\nThe part number of the filter is ZP-771.\n\nThe pump takes 2 litres of oil.\n"
LEAVE = b"# Leave\n\nEvery employee has 28 days of paid leave a year.\n"
QUESTIONS = ("What is the part number of the filter?", "How many days of paid leave?", "Who was the first king?")
CORRECTED = {"original": "The pump takes 2 litres of oil.", "text": "The pump takes 3 litres of oil."}
WAIT_S = 240


MAKE_KEY = """
from web.accounts.models import User
from web.accounts.services import create_key
print(create_key(User.objects.create_user('a@b.ch'), "test")[1])
"""


@contextmanager
def site(database_url: str) -> Iterator[httpx.Client]:
    """An empty site with workers and the bundled model, and a client of its only person."""
    with (
        temporary_site(queues=("model,tools", "index"), DATABASE_URL=database_url) as environment,
        web_server(environment, "healthz") as url,
    ):
        key = manage(environment, "shell", "--verbosity=0", "-c", MAKE_KEY).strip()
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, trust_env=False) as client:
            client.timeout = httpx.Timeout(60)
            yield client


def waited(ask: Callable[[], Any], is_done: Callable[[Any], bool]) -> Any:
    ends = time.monotonic() + WAIT_S
    while not is_done(value := ask()):
        assert time.monotonic() < ends, value
        time.sleep(0.5)
    return value


def published(client: httpx.Client, slug: str) -> None:
    files = waited(
        lambda: client.get(f"/api/gpts/{slug}/files").json()["items"],
        lambda items: all(each["status"] in ("ready", "failed") for each in items),
    )
    assert [each["status"] for each in files] == ["ready", "ready"]
    assert client.post(f"/api/gpts/{slug}/publish", json={}).status_code == 201


def answers(client: httpx.Client, slug: str) -> list[tuple[str, str, list[str]]]:
    """For each question the answer, how far the files cover it, and the quotes."""
    found = []
    for question in (*QUESTIONS, "How much oil does the pump take?"):
        run = client.post(f"/api/gpts/{slug}/runs", json={"text": question}).json()["id"]
        done = waited(
            lambda run=run: client.get(f"/api/runs/{run}").json(),
            lambda state: state["status"] not in ("queued", "in_progress"),
        )
        found.append((done["answer"], done["coverage"], [each["quote"] for each in done["citations"]]))
    return found


def test_it_gives_the_same_answers_on_an_empty_site(put_tables, tmp_path):
    with site(put_tables(tmp_path / "old.sqlite3")) as client:
        fields = {"name": "Desk", "instructions": "Answer briefly.", "only_from_knowledge": True}
        slug = client.post("/api/gpts", json=fields).json()["slug"]
        for name, data in (("manual.md", MANUAL), ("leave.md", LEAVE)):
            file = client.post(f"/api/gpts/{slug}/files", files={"file": (name, data)}).json()
            if name == "manual.md":
                manual = file["id"]
        published(client, slug)
        path = f"/api/gpts/{slug}/files/{manual}/passages"
        assert client.post(path, json=CORRECTED).status_code == 200
        published(client, slug)
        before = answers(client, slug)
        data = client.get(f"/api/gpts/{slug}/export").content
    with site(put_tables(tmp_path / "new.sqlite3")) as client:
        taken = client.post("/api/import", files=[("file", ("desk.gpt.zip", data))])
        assert taken.status_code == 201, taken.text
        [gpt] = taken.json()["gpts"]
        assert gpt["imported"]["todo"] == []
        published(client, gpt["slug"])
        after = answers(client, gpt["slug"])
    assert "ZP-771" in before[0][0]
    assert "3 litres" in before[3][0]
    assert before[2][1] == "not_covered"
    assert after == before
