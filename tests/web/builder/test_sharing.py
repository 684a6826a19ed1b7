"""Who may chat: only me, a secret link, the store; and what happens when that changes."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from gpts.knowledge.documents import Citation, Passage
from gpts.runs.steps import Finished, Retrieval
from web.builder.files import add_file
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.models_files import KnowledgeFile
from web.builder.services import create_gpt, publish, publish_if_awaited, publish_when_ready, set_sharing, update_gpt
from web.runs import log

from .conftest import JSON


@pytest.fixture
def link(gpt) -> str:
    """The path of the secret link to Alice's GPT."""
    return f"/g/pump-doctor/?link={set_sharing(gpt, Sharing.LINK, by=gpt.owner).link_secret}"


def test_choosing_the_link_shows_it_in_the_form(as_alice, gpt, fields):
    response = as_alice.post("/gpts/pump-doctor/edit", {**fields, "sharing": "link", "action": "share"}, headers=JSON)

    assert f"/g/pump-doctor/?link={Gpt.objects.get().link_secret}" in response.json()["parts"]["link"]


def test_signing_in_names_the_gpt_of_a_link_that_works_and_no_other(client, gpt, link):
    hidden = create_gpt(gpt.owner, {"name": "Payroll"})
    publish(hidden, Sharing.ME, by=gpt.owner)
    for page in ("/account/login/", "/account/signup/"):
        shown = client.get(page, {"next": link}).content.decode()
        assert f"to chat with {gpt.live.name}" in shown
        for wrong in (f"{link}x", f"/g/{hidden.slug}/", f"/g/{gpt.slug}/", "/nowhere", ""):
            assert "to chat with" not in client.get(page, {"next": wrong}).content.decode(), wrong
    set_sharing(gpt, Sharing.STORE, by=gpt.owner)
    assert "Sign in to chat with" in client.get("/account/login/", {"next": f"/g/{gpt.slug}/chat"}).content.decode()


@pytest.mark.parametrize(
    ("switch", "path"),
    [("a2a", "/a2a/pump-doctor/.well-known/agent-card.json"), ("files_downloadable", "/runs/{}/citations/0/file")],
)
def test_what_people_may_do_goes_live_with_the_version_and_is_off_at_once(
    as_alice, bob, run, gpt, fields, switch, path, cited_file
):
    """The form saves itself: a click on a switch must not open anything before the creator publishes."""
    person = Client()
    person.force_login(bob)

    def opens() -> bool:
        return person.get(path.format(run.id)).status_code == 200

    def save(**more: str) -> None:
        as_alice.post("/gpts/pump-doctor/edit", {**fields, **more})

    assert not opens()
    save(**{switch: "on"})
    assert "Unpublished changes" in as_alice.get("/gpts/pump-doctor/edit").content.decode()
    assert not opens()
    save(**{switch: "on", "action": "publish"})
    assert opens()
    save()
    assert not opens()
    save(**{switch: "on"})  # as it is in the live version
    assert opens()


@pytest.fixture
def cited_file(run, gpt, home) -> None:
    """A file of Alice's GPT, cited in Bob's answer."""
    file = add_file(gpt, "fees.txt", [b"12 a year"])
    KnowledgeFile.objects.update(status="ready", segment="fees")
    place = {"file_id": str(file.id), "file_name": "fees.txt", "segment": "fees", "chunk": 0, "start": 0, "end": 9}
    passage = Passage(text="12 a year", **place)
    citation = Citation(tag=1, quote="12 a year", answer_start=0, answer_end=3, **place)
    log.append(run.id, Retrieval(query="The fee?", passages=(passage,)))
    log.append(run.id, Finished(text="12.", citations=(citation,)))


def test_who_opens_the_link_may_chat(client, link, bob, charlie):
    assert client.get(link).url.startswith("/account/login/?next=/g/pump-doctor/%3Flink%3D")
    client.force_login(bob)
    assert client.get(link).status_code == 200
    assert client.get("/g/pump-doctor/").status_code == 200
    client.force_login(charlie)
    assert client.get("/g/pump-doctor/").status_code == 404
    assert client.get("/l/guessed/").status_code == 404


def test_a_new_link_ends_the_old_one_and_who_came_by_it(client, link, alice, bob):
    client.force_login(bob)
    client.get(link)
    client.force_login(alice)

    response = client.post("/gpts/pump-doctor/link", headers=JSON)

    fresh = f"/g/pump-doctor/?link={Gpt.objects.get().link_secret}"
    assert fresh != link
    assert fresh in response.json()["parts"]["link"]
    client.force_login(bob)
    assert client.get(link).status_code == 404
    assert client.get("/g/pump-doctor/").status_code == 404
    assert client.get(fresh).status_code == 200


def test_only_a_gpt_shared_by_link_has_a_link_to_renew(as_alice, gpt):
    assert as_alice.post("/gpts/pump-doctor/link").status_code == 404


def test_keeping_it_to_oneself_again_shuts_everyone_out(client, link, alice, bob, fields):
    client.force_login(bob)
    client.get(link)
    client.force_login(alice)
    client.post("/gpts/pump-doctor/edit", {**fields, "sharing": "me", "action": "share"}, headers=JSON)

    client.force_login(bob)
    assert client.get("/g/pump-doctor/").status_code == 404
    assert client.get(link).status_code == 404


def test_the_link_of_an_unpublished_gpt_leads_nowhere_yet(client, alice, bob):
    secret = set_sharing(create_gpt(alice, {"name": "Idea"}), Sharing.LINK, by=alice).link_secret
    client.force_login(bob)

    assert client.get(f"/l/{secret}/").status_code == 404


def test_choosing_who_may_use_a_published_gpt_changes_nothing_until_it_is_confirmed(client, as_alice, gpt, fields):
    as_alice.post("/gpts/pump-doctor/edit", {**fields, "sharing": "me", "action": "share"})
    for step in ({"headers": JSON}, {}):  # saved by the page's script, and by "Save draft"
        page = as_alice.post("/gpts/pump-doctor/edit", {**fields, "sharing": "store"}, **step, follow=True)
        assert Gpt.objects.get().sharing == "me"
    assert "To change who can use it, press “Update sharing”." in page.content.decode()

    page = as_alice.post("/gpts/pump-doctor/edit", {**fields, "sharing": "store", "action": "share"}, follow=True)
    assert "It’s in the store, where everyone can use it." in page.content.decode()
    assert Gpt.objects.get().sharing == "store"
    page = as_alice.post("/gpts/pump-doctor/edit", {**fields, "sharing": "me", "action": "publish"}, follow=True)
    assert "Version 2 published. Only you can use it." in page.content.decode()
    client.logout()
    assert client.get("/g/pump-doctor/").status_code == 404


def test_a_gpt_with_nothing_but_a_name_does_not_get_into_the_store(as_alice, alice, bob, fields):
    idea = create_gpt(alice, {"name": "Idea"})
    sent = {**fields, "name": "Idea", "description": "", "instructions": " ", "starters": [], "sharing": "store"}
    assert as_alice.post("/gpts/idea/edit", sent, headers=JSON).json()["errors"] == {}  # chosen, not published

    page = as_alice.post("/gpts/idea/edit", {**sent, "action": "publish"}).content.decode()
    assert "Not published. Correct the fields marked in red" in page
    assert "Add a description to list this GPT in the store." in page
    assert "Add instructions, knowledge or actions to list this GPT in the store." in page
    as_alice.post("/gpts/idea/edit", {**sent, "sharing": "link", "action": "publish"})
    page = as_alice.post("/gpts/idea/edit", {**sent, "action": "share"}).content.decode()
    assert "Sharing didn’t change. Correct the fields marked in red" in page
    idea.refresh_from_db()
    assert (idea.published.number, idea.sharing) == (1, "link")

    idea.files.create(name="a.txt", sha256="0" * 64, size=1, status="ready", segment="s")
    as_alice.post("/gpts/idea/edit", {**sent, "description": "Ideas.", "action": "publish"})
    idea.refresh_from_db()
    assert (idea.published.number, idea.sharing) == (2, "store")


def test_a_description_cleared_while_files_are_read_keeps_the_gpt_out_of_the_store(as_alice, alice, fields):
    idea = create_gpt(alice, {"name": "Idea", "description": "Ideas.", "instructions": "Have ideas."})
    file = idea.files.create(name="a.txt", sha256="0" * 64, size=1, status="parsing")
    set_sharing(idea, Sharing.STORE, by=idea.owner)
    assert publish_when_ready(idea, by=idea.owner) is None
    as_alice.post("/gpts/idea/edit", {**fields, "name": "Idea", "description": ""}, headers=JSON)
    assert publish_if_awaited(idea) is None
    idea.refresh_from_db()
    assert idea.publish_when_ready, "it still waits for the file"

    idea.files.filter(id=file.id).update(status="ready", segment="s")
    assert publish_if_awaited(idea) is None
    idea.refresh_from_db()
    assert (idea.published, idea.publish_when_ready) == (None, False)
    with pytest.raises(ValidationError, match="Add a description"):
        publish(idea, by=idea.owner)
    idea.description = "Ideas."
    assert publish(idea, by=idea.owner).number == 1


@pytest.mark.parametrize(("name", "slug"), [("Untitled GPT", "untitled-gpt"), ("Plots", "plots")])
def test_a_draft_gets_the_address_of_its_name_when_it_is_first_published(alice, as_alice, name, slug):
    gpt = create_gpt(alice, {"name": name})
    assert gpt.slug == slug
    update_gpt(gpt, {"name": "Allotment Guide"}, by=gpt.owner)
    publish(gpt, Sharing.ME, by=gpt.owner)
    assert (gpt.slug, gpt.published.spec().slug) == ("allotment-guide", "allotment-guide")
    assert as_alice.get(f"/gpts/{slug}/edit").status_code == 200  # its page may still be open
    assert as_alice.get(f"/g/{slug}/").status_code == 404
    assert create_gpt(alice, {"name": name}).slug == f"{slug}-2"
    publish(update_gpt(gpt, {"name": "Another"}, by=gpt.owner), by=gpt.owner)
    assert gpt.slug == "allotment-guide"
