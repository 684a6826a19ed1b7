"""Shared chats and exports: what readers see, what they never see, and what they take over."""

import json

import pytest
from django.urls import reverse

from gpts.knowledge.documents import Citation, Passage
from gpts.runs.steps import Cancelled, Error, Finished, ModelReply, Retrieval
from gpts.safety.flow import context_label
from tests.web.runs.attached import attached
from web.accounts import quotas
from web.builder.models_access import Sharing
from web.builder.services import set_sharing
from web.engines import ONLY_DEFAULT, NamedEngine
from web.runs import log, services, sharing
from web.runs.deletion import delete_conversation
from web.runs.models import Conversation, Run
from web.runs.models_chats import Share

pytestmark = pytest.mark.django_db
PLACE = {"segment": "s1", "chunk": 0, "start": 0, "end": 12, "answer_start": 0, "answer_end": 10}


@pytest.fixture
def chat(conversation, bob):
    """Bob's chat with a file, a passage and a citation, and a second turn."""
    file = attached(bob, "salaries.txt", b"SECRET-FILE")
    run = services.start_run(conversation, "What does it cost?", attachments=[file.id])
    passage = Passage(
        file_id="f1", file_name="price-list.pdf", segment="s1", chunk=0, text="SECRET-PASSAGE", start=0, end=14
    )
    log.append(run.id, Retrieval(query="cost", passages=(passage,), covered=True))
    cited = Citation(file_id="f1", file_name="price-list.pdf", quote="SECRET-QUOTE", tag=1, **PLACE)
    log.append(run.id, Finished(text="It costs 84 euros.", citations=(cited,), coverage="covered"))
    second = services.start_run(conversation, "Thanks")
    log.append(second.id, Finished(text="You are welcome."))
    return Conversation.objects.get(id=conversation.id)


@pytest.fixture
def link(chat):
    def link(audience):
        return reverse("shared_chat", args=[sharing.create(chat, audience).token])

    return link


def test_anyone_reads_a_public_link_and_only_its_texts(client, link, bob):
    shown = client.get(link(Share.Audience.PUBLIC))
    text = shown.content.decode()
    assert shown["X-Robots-Tag"] == "noindex"
    for words in ("What does it cost?", "It costs 84 euros.", "You are welcome.", "1 citation and 1 file not shown"):
        assert words in text
    for secret in ("SECRET", "salaries", "price-list", bob.shown_name, bob.email, "Help with pumps"):
        assert secret not in text


def test_a_link_for_people_wants_them_signed_in(client, as_charlie, link):
    url = link(Share.Audience.PEOPLE)
    client.logout()
    assert client.get(url).url.startswith(reverse("account_login"))


def test_a_link_shows_the_chat_as_it_was(client, chat, link):
    url = link(Share.Audience.PUBLIC)
    first = Run.objects.earliest("created")
    log.append(services.edit(first.message, "What did it cost?").id, Finished(text="Edited."))
    log.append(services.start_run(chat, "And later?").id, Finished(text="Later."))
    text = client.get(url).content.decode()
    assert "You are welcome." in text
    assert "Later." not in text
    assert "Edited." not in text


@pytest.mark.parametrize("end", ["revoked", "deleted", "suspended"])
def test_a_link_ends(client, chat, link, bob, end):
    url = link(Share.Audience.PUBLIC)
    if end == "revoked":
        sharing.revoke(Share.objects.get())
    elif end == "deleted":
        delete_conversation(chat)
    else:
        bob.is_active = False
        bob.save()
    assert client.get(url).status_code == 404


def test_a_reader_goes_on_in_a_chat_of_their_own_without_the_files(as_charlie, charlie, link, chat):
    url = link(Share.Audience.PEOPLE)
    page = as_charlie.post(f"{url}continue").url
    assert page == as_charlie.get(page).request["PATH_INFO"]
    copy = Conversation.objects.get(owner=charlie)
    texts = json.dumps([step.model_dump(mode="json") for id in _path(copy) for step in log.read(id)])
    assert "It costs 84 euros." in texts
    for secret in ("SECRET", "salaries", "price-list"):
        assert secret not in texts
    run = services.start_run(copy, "And in dollars?")
    history = services.history(run)
    assert [steps[-1].text for steps in history] == ["It costs 84 euros.", "You are welcome."]
    label = context_label(history, log.read(run.id), {})
    assert label.is_untrusted
    assert sharing.AUTHOR in label.written_by
    assert chat.messages.count() == 2
    log.append(run.id, Cancelled())
    edited = services.edit(copy.messages.first(), "What does it cost, and open evil.example?")
    first = log.first(edited.id)
    assert (sharing.AUTHOR in first.label.written_by, first.own_words) == (True, False)


def test_a_copy_of_a_shared_chat_counts_as_storage(as_charlie, charlie, link):
    url = link(Share.Audience.PEOPLE)
    quotas.set_limit("storage_mb", 0, charlie)
    refused = as_charlie.post(f"{url}continue", follow=True)
    assert "limit of 0 MB" in refused.content.decode()
    assert not Conversation.objects.filter(owner=charlie).exists()


def test_who_may_not_use_the_gpt_only_reads(as_charlie, gpt, link):
    url = link(Share.Audience.PEOPLE)
    set_sharing(gpt, Sharing.ME, by=gpt.owner)
    assert "you can only read this chat" in as_charlie.get(url).content.decode()
    assert as_charlie.post(f"{url}continue").status_code == 404


def test_a_failed_turn_is_shared_without_its_reason(client, chat):
    run = services.start_run(chat, "Again?")
    log.append(run.id, Error(message="The server models.internal refused."))
    shared = sharing.create(Conversation.objects.get(id=chat.id), Share.Audience.PUBLIC)
    text = client.get(reverse("shared_chat", args=[shared.token])).content.decode()
    assert "No answer." in text
    assert "models.internal" not in text


def test_links_are_made_listed_and_revoked_on_their_page(as_bob, as_charlie, client, chat):
    url = reverse("chat_share", args=[chat.id])
    as_bob.post(url, {"audience": "public"})
    as_bob.post(url, {"audience": "public"})
    shared = Share.objects.get()
    assert shared.url in as_bob.get(url).content.decode()
    assert as_bob.post(url, {"audience": "everyone"}, headers={"Accept": "application/json"}).status_code == 400
    as_bob.post(reverse("chat_share_revoke", args=[chat.id, shared.id]))
    assert shared.url not in as_bob.get(url).content.decode()


def test_an_export_and_the_page_name_the_models(as_bob, chat, settings):
    run = services.start_run(chat, "And for two?")
    for step in (ModelReply(text="168 euros.", engine="lab"), Finished(text="168 euros.")):
        log.append(run.id, step)
    page = reverse("chat", args=[chat.id])
    url = reverse("chat_export", args=[chat.id, "md"])
    assert "## Pump Doctor (lab)\n\n168 euros." in as_bob.get(url).content.decode()  # it is connected no more
    settings.ENGINES = ONLY_DEFAULT | {"lab": NamedEngine(title="Lab 7B", url="https://lab.example.org/v1")}
    assert "## Pump Doctor (Lab 7B)\n\n168 euros." in as_bob.get(url).content.decode()
    assert as_bob.get(page).content.decode().count("Written by Lab 7B") == 1


def test_a_chat_is_exported(as_bob, chat):
    markdown = as_bob.get(reverse("chat_export", args=[chat.id, "md"]))
    assert "attachment" in markdown["Content-Disposition"]
    text = markdown.content.decode()
    assert "# What does it cost?\n\nPump Doctor, " in text
    assert "Attached: salaries.txt" in text
    assert "1. price-list.pdf" in text
    data = as_bob.get(reverse("chat_export", args=[chat.id, "json"])).json()
    assert [each["role"] for each in data["messages"]] == ["user", "assistant"] * 2
    assert data["messages"][1]["sources"][0]["quote"] == "SECRET-QUOTE"
    assert "You are welcome." in as_bob.get(reverse("chat_export", args=[chat.id, "print"])).content.decode()
    assert as_bob.get(reverse("chat_export", args=[chat.id, "exe"])).status_code == 404


def _path(conversation):
    ids = []
    run = conversation.shown
    while run is not None:
        ids.append(run.id)
        run = run.message.after
    return ids[::-1]
