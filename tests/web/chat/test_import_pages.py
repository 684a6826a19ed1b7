"""What the pages say of imports of chats, before, while and after chats are brought from elsewhere."""

from django.urls import reverse

from tests.web.operate.test_notice import STARTER, know
from tests.web.runs.test_chat_imports import conversation, hurried, imported  # noqa: F401 - a fixture
from web.builder.services import delete_gpt
from web.runs.models import Conversation, Run
from web.runs.models_imports import ChatImport
from web.runs.services import start_run


def page(client, name: str, *args: object, **query: str) -> str:
    return client.get(reverse(name, args=args), query).content.decode()


def test_the_page_says_what_does_not_come_and_lists_what_came(as_bob, bob):
    imported(bob, [conversation(), {"title": "Broken one", "mapping": {}}])
    shown = page(as_bob, "import")
    assert "custom instructions and memory" in shown
    assert "1 new chat" in shown
    assert "Broken one" in shown


def test_an_import_is_taken_back_on_its_page(as_bob, bob, as_charlie):
    row = imported(bob, [conversation(), conversation("c2", "Continued")])
    start_run(Conversation.objects.get(title="Continued"), "And in winter?")
    url = reverse("chat_import", args=[row.id])
    assert as_charlie.post(url).status_code == 404
    shown = as_bob.post(url, follow=True).content.decode()
    assert "1 chat was deleted." in shown
    assert "1 chat stays, because you continued it here." in shown
    assert not ChatImport.objects.exists()


def test_whoever_deletes_the_gpt_of_imported_chats_is_told_what_becomes_of_them(as_bob, bob):
    imported(bob, [conversation(), conversation("c2")])
    chat = Conversation.objects.earliest("id")
    assert "2 imported chats" in page(as_bob, "gpt_delete", chat.gpt.slug)
    delete_gpt(chat.gpt)
    assert "Import the export again" in page(as_bob, "chat", chat.id)


def test_who_has_no_chats_is_offered_to_import_some(as_bob, bob):
    for n in range(2):
        assert page(as_bob, "chats").count(reverse("import")) == 2 - n
        imported(bob, [conversation()])


def test_a_starter_says_what_it_cannot_do_before_an_imported_chat_is_continued(as_bob, bob):
    know("a", "bundled", False)
    imported(bob, [conversation()])
    chat = Conversation.objects.get()
    assert STARTER in page(as_bob, "chat", chat.id)
    run = start_run(chat, "And in winter?")
    Run.objects.filter(id=run.id).update(status="completed")
    assert STARTER not in page(as_bob, "chat", chat.id)


def test_dates_are_shown_in_groups_of_months_and_exactly(as_bob, bob):
    imported(bob, [conversation()])
    assert 'title="14 November 2023, 22:13"' in page(as_bob, "chats", q="flat")  # found in a message
    shown = page(as_bob, "chats")
    assert 'title="14 November 2023, 22:13"' in shown
    assert ">November 2023<" in shown
    assert ">14 November 2023<" in page(as_bob, "chat", Conversation.objects.get().id)
