"""Copies of a GPT have everything of it but its secrets, at once."""

import pytest
from django.core.exceptions import ValidationError
from django.http import Http404

from gpts.knowledge.corrections import passage_key
from tests.web.builder.test_actions import DOCUMENT, worker  # noqa: F401 - a fixture
from web.accounts import quotas
from web.accounts.models import User
from web.accounts.quotas import QuotaExceeded
from web.builder import actions, auth, delegates, duplicates, files, services, stewardship
from web.builder.access import access_settings
from web.builder.actions import DocumentSource
from web.builder.auth import AuthSetting
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.models_actions import McpServerRow, RemoteAgentRow
from web.builder.models_files import KnowledgeFile
from web.builder.models_sources import Source

SECRET = "sk-never-copied-77"
CORRECTION = {"original": "Old.", "text": "New.", "dropped": False, "pinned": True, "also_asked": ["What?"]}


@pytest.fixture
def full(gpt, alice, bob, worker) -> Gpt:  # noqa: F811
    """Alice's GPT with something of everything."""
    fields = {"description": "D", "capabilities": ["memory"], "temperature": 1.5, "face": "wrench", "a2a": True}
    services.update_gpt(
        gpt, {**fields, "only_from_knowledge": True, "picture": "0123.webp", "category": "work"}, by=gpt.owner
    )
    file = files.add_file(gpt, "manual.md", [b"# Manual"])
    facts = {"decisions": {"f1": "drop", "f2": "accept"}, "corrections": {passage_key("Old."): CORRECTION}}
    ready = {"status": "ready", "segment": "seg", "n_chunks": 3, "attributes": {"year": 2026}}
    KnowledgeFile.objects.filter(id=file.id).update(**facts, **ready)
    files.add_file(gpt, "waiting.md", [b"# Waiting"])
    action = actions.add_action(
        gpt, DocumentSource(DOCUMENT), privacy_url="https://parts.example/privacy", by=gpt.owner
    )
    auth.set_auth(action, AuthSetting("bearer", SECRET), by=action.gpt.owner)
    server = McpServerRow(gpt=gpt, name="Tools", url="https://mcp.example", trusted=True, tools=[{"name": "t"}])
    auth.set_auth(server, AuthSetting("header", SECRET, header="X-Key"), by=server.gpt.owner)
    agent = RemoteAgentRow(gpt=gpt, name="A", card_url="https://a.example/c", url="https://a.example", read_only=True)
    auth.set_auth(agent, AuthSetting("bearer", SECRET), by=agent.gpt.owner)
    other = services.create_gpt(alice, {"name": "Other"})
    delegates.add(gpt, other.slug, "When asked", by=gpt.owner)
    return Gpt.objects.get(id=gpt.id)


def test_a_copy_has_everything_but_what_belongs_to_the_first_alone(
    full, alice, sent_tasks, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        copy = duplicates.duplicate(alice, full)
    assert (copy.name, copy.sharing, copy.published, copy.owner) == ("Pump Doctor (copy)", "me", None, alice)
    one, other = full.draft_spec().model_dump(), copy.draft_spec().model_dump()
    for spec in (one, other):
        for list_name, id_name in (("knowledge", "file_id"), ("actions", "action_id"), ("mcp_servers", "server_id")):
            for each in spec[list_name]:
                del each[id_name]
        spec["remote_agents"][0].pop("agent_id")
        del spec["slug"], spec["name"]
    assert one == other
    assert (copy.picture.name, copy.face, copy.category) == ("0123.webp", "wrench", "work")
    first, waiting = copy.files.all()
    assert (first.decisions, first.attributes) == ({"f1": "drop", "f2": "accept"}, {"year": 2026})
    assert first.passage_corrections()[passage_key("Old.")].pinned
    assert (first.status, waiting.status) == ("ready", "received")
    assert ("workers.tasks.index_file", str(waiting.id), "index") in sent_tasks


def test_a_copy_has_no_secrets_and_says_which_are_missing(full, alice):
    copy = duplicates.duplicate(alice, full)
    rows = [row for rows in actions.outside(copy) for row in rows]
    assert len(rows) == 3
    assert [(row.secret, row.secret_host) for row in rows] == [("", "")] * 3
    assert duplicates.keyless(copy) == ["Parts", "Tools", "A"]
    assert duplicates.keyless(full) == []


def test_nothing_of_a_copy_is_shared_with_the_first(full, alice):
    copy = duplicates.duplicate(alice, full)
    files.remove_file(copy.files.get(name="manual.md"))
    actions.remove(copy.actions.get())
    services.update_gpt(copy, {"instructions": "Other"}, by=copy.owner)
    full.refresh_from_db()
    assert full.instructions == "Help with pumps."
    assert full.files.filter(removed=None).count() == 2
    assert full.actions.get().open_secret() == SECRET


def test_another_persons_copy_trusts_nothing_on_the_first_ones_word(full, bob):
    copy = duplicates.duplicate(bob, full)
    assert not copy.mcp_servers.get().trusted
    assert not copy.remote_agents.get().read_only
    assert not copy.delegates.exists()  # Alice's own, unpublished


def test_a_copy_counts_for_quotas_and_leaves_nothing_when_refused(full, alice):
    quotas.set_limit("gpts", 2, alice)
    with pytest.raises(QuotaExceeded):
        duplicates.duplicate(alice, full)
    quotas.set_limit("gpts", None, alice)
    quotas.set_limit("storage_mb", 0, alice)
    with pytest.raises(QuotaExceeded):
        duplicates.duplicate(alice, full)
    assert alice.gpts.count() == 2


def test_a_copy_of_a_file_is_not_kept_in_step_with_a_source(full, alice):
    source = Source.objects.create(
        gpt=full, kind="feed", settings={"kind": "feed", "url": "https://news.example/feed"}
    )
    full.files.filter(name="manual.md").update(source=source, from_source=True)
    copy = duplicates.duplicate(alice, full)
    assert set(copy.files.values_list("source", "from_source")) == {(None, False)}
    assert "https://news.example/feed" in copy.imported["notes"][0]
    assert not copy.sources.exists()


def test_only_who_sees_the_settings_gets_a_copy(full, alice, bob):
    assert access_settings(alice, full.slug) == full
    with pytest.raises(Http404):
        access_settings(bob, full.slug)


@pytest.mark.parametrize(("take", "give_back"), [("unlist", "list_again"), ("withdraw", "restore")])
def test_a_copy_is_no_way_around_a_withdrawal_and_is_freed_with_the_first(gpt, alice, bob, take, give_back):
    before = duplicates.duplicate(alice, gpt)
    getattr(stewardship, take)(gpt, bob)
    gpt = Gpt.objects.get(id=gpt.id)
    copy = duplicates.duplicate(alice, duplicates.duplicate(alice, gpt))
    assert "An admin of this site has withdrawn this GPT" in copy.imported["notes"][0]
    services.update_gpt(copy, {"name": "Quite another", "description": "D"}, by=alice)
    with pytest.raises(ValidationError, match="withdrawn this GPT"):
        services.set_sharing(Gpt.objects.get(id=copy.id), Sharing.STORE, by=alice)
    services.set_sharing(before, Sharing.STORE, by=alice)

    getattr(stewardship, give_back)(gpt, bob)

    services.set_sharing(Gpt.objects.get(id=copy.id), Sharing.STORE, by=alice)


def test_an_admin_frees_a_copy_by_itself(client, gpt, alice):
    stewardship.unlist(gpt, alice)
    copy = duplicates.duplicate(alice, Gpt.objects.get(id=gpt.id))
    client.force_login(User.objects.create_superuser("oscar@example.org"))
    page = f"/admin/builder/gpt/{copy.id}/change/"
    assert "Restore" in client.get(page).text
    client.post(f"/admin/builder/gpt/{copy.id}/act/restore/")
    assert Gpt.objects.get(id=copy.id).unlisted is None
    assert "Restore" not in client.get(page).text
