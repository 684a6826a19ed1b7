"""Files of a conversation: nobody but their owner has them, and no browser opens what is not a picture."""

from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import Http404
from django.urls import reverse

from gpts.runs.steps import UserMessage
from tests.publishing import publish
from tests.web.runs.attached import attached
from web.runs import files, log, services
from web.runs.deletion import delete_conversation, forget_transient
from web.runs.errors import Refused, StillReading, TooManyFiles
from web.runs.models import Conversation, ConversationFile

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 32


@pytest.fixture
def sales(bob) -> ConversationFile:
    return attached(bob, "../sales.csv")


def test_a_name_loses_its_path_and_what_nobody_sees(bob):
    assert files.attach(bob, "..\\..\\etc/pass\u202ewd.csv", [b"x"]).name == "passwd.csv"


def test_a_type_is_told_by_the_bytes(bob):
    assert files.attach(bob, "chart.html", [PNG]).mime == "image/png"
    assert files.attach(bob, "evil.png", [b"<svg onload=alert(1)>"]).mime == "application/octet-stream"


def test_an_empty_or_huge_file_is_refused_and_leaves_nothing(bob, settings):
    settings.MAX_ATTACHMENT_BYTES = 10
    for chunks in ([], [b"12345", b"678901"]):
        with pytest.raises(Refused):
            files.attach(bob, "a.csv", chunks)
    assert not ConversationFile.objects.exists()
    assert not list((settings.GUILDHALL_HOME / "files").iterdir())


def test_it_is_sent_with_a_message_and_read_by_its_tools(sales, conversation):
    run = services.start_run(conversation, "Sum them.", attachments=[sales.id])
    first = log.read(run.id)[0]
    assert isinstance(first, UserMessage)
    assert [file.name for file in first.attachments] == ["sales.csv"]
    ((name, path, untrusted, _),) = files.readable(run)
    assert (name, path.read_bytes(), untrusted) == ("sales.csv", b"a,b\n1,2\n", True)


def test_it_needs_no_text_and_names_the_chat(sales, conversation):
    run = services.start_run(conversation, " ", attachments=[sales.id])
    conversation.refresh_from_db()
    assert (run.message.text, conversation.title) == ("", "sales.csv")


def test_anothers_file_cannot_be_sent(sales, gpt, charlie, alice):
    with pytest.raises(Refused):
        services.start_run(services.start_conversation(charlie, gpt), "Mine now.", attachments=[sales.id])


def test_a_file_that_is_gone_refuses_the_message_and_stores_nothing(conversation):
    with pytest.raises(Refused):
        services.start_run(conversation, "Sum them.", attachments=[uuid4()])
    assert not conversation.messages.exists()


def test_what_a_tool_made_is_kept_once_however_often_it_is_run(run):
    refs = [files.keep(run, "chart.png", PNG, untrusted=False) for _ in range(2)]
    assert refs[0] == refs[1]
    assert ConversationFile.objects.count() == 1


def test_only_its_owner_has_it(sales, bob, charlie, alice):
    assert files.access_file(bob, sales.id) == sales
    for user in (charlie, alice):
        with pytest.raises(Http404):
            files.access_file(user, sales.id)


def test_a_deleted_chat_takes_its_files_away(run, bob):
    ref = files.keep(run, "chart.png", PNG, untrusted=False)
    delete_conversation(run.message.conversation)
    with pytest.raises(Http404):
        files.access_file(bob, ref.id)


def test_files_that_were_never_sent_are_forgotten(sales, run):
    files.keep(run, "chart.png", PNG, untrusted=False)
    assert not files.forgotten()
    ConversationFile.objects.update(created="2020-01-01T00:00Z")
    assert list(files.forgotten()) == [sales]


class TestReading:
    """An attached file is sent once it is read, or where something else can open it."""

    def test_it_is_queued_and_known_content_is_not_read_twice(
        self, bob, charlie, home, sent_tasks, django_capture_on_commit_callbacks
    ):
        with django_capture_on_commit_callbacks(execute=True):
            first = files.attach(bob, "a.txt", [b"Order ZP-771."])
        assert first.reading == "reading"
        assert sent_tasks == [("workers.tasks.index_file", str(first.id), "index")]
        (home / "segments" / "00ff").mkdir(parents=True)
        ConversationFile.objects.update(status="ready", segment="00ff", n_tokens=5, n_pages=1)
        assert files.attach(charlie, "b.txt", [b"Order ZP-771."]).reading == "reading"
        second = files.attach(bob, "b.txt", [b"Order ZP-771."])
        assert (second.reading, second.segment, second.n_pages) == ("ready", "00ff", 1)
        (home / "segments" / "00ff").rmdir()
        assert files.attach(bob, "b.txt", [b"Order ZP-771."]).reading == "reading"

    def test_its_text_goes_with_the_message(self, sales, conversation):
        run = services.start_run(conversation, "Sum them.", attachments=[sales.id])
        (ref,) = log.read(run.id)[0].attachments
        assert (ref.segment, ref.n_tokens) == ("00ff", 7)

    def test_a_message_with_a_half_read_file_is_refused_and_can_be_sent_again(self, bob, conversation):
        file = attached(bob, status="parsing", segment="")
        with pytest.raises(StillReading, match=r"“sales.csv” is still being read\. Send again"):
            services.start_run(conversation, "Sum them.", attachments=[file.id])
        assert not conversation.messages.exists()
        ConversationFile.objects.update(status="ready", segment="00ff")
        services.start_run(conversation, "Sum them.", attachments=[file.id])

    def test_what_cannot_be_read_is_refused_unless_the_gpt_opens_files(self, bob, alice, gpt, conversation):
        file = attached(bob, status="failed", segment="", error="There is no text in the file.")
        with pytest.raises(Refused, match=r"“sales.csv” can’t be read\. There is no text in the file\."):
            services.start_run(conversation, "Sum them.", attachments=[file.id])
        gpt.capabilities = ["code_interpreter"]
        gpt.save()
        publish(gpt)
        chat = services.start_conversation(bob, gpt)
        run = services.start_run(chat, "Sum them.", attachments=[file.id])
        assert log.read(run.id)[0].attachments[0].segment == ""

    def test_a_removed_file_stops_being_read_and_cannot_be_sent(self, bob, charlie, conversation):
        file = attached(bob, status="parsing", segment="")
        with pytest.raises(Http404):
            files.remove(charlie, file.id)
        files.remove(bob, file.id)
        file.refresh_from_db()
        assert (file.status, file.claimed_until) == ("cancelled", None)
        assert list(files.forgotten()) == [file]
        with pytest.raises(Refused, match="was removed"):
            services.start_run(conversation, "Sum them.", attachments=[file.id])
        with pytest.raises(Http404):
            files.access_file(bob, file.id)

    def test_unsent_files_are_limited(self, bob, charlie, settings):
        settings.MAX_ATTACHMENTS = 1
        kept = [files.attach(bob, "a.txt", [b"x"]) for _ in range(files.UNSENT_MESSAGES)]
        with pytest.raises(TooManyFiles):
            files.attach(bob, "a.txt", [b"x"])
        files.attach(charlie, "a.txt", [b"x"])
        files.remove(bob, kept[0].id)
        files.attach(bob, "a.txt", [b"x"])

    def test_a_sent_file_cannot_be_removed(self, sales, conversation, bob):
        services.start_run(conversation, "Sum them.", attachments=[sales.id])
        with pytest.raises(Http404):
            files.remove(bob, sales.id)

    def test_copies_for_delegated_work_have_the_text(self, sales, conversation, gpt, bob):
        run = services.start_run(conversation, "Sum them.", attachments=[sales.id])
        other = services.start_conversation(bob, gpt)
        other.save()
        (copy,) = files.pass_on(log.read(run.id)[0].attachments, other)
        assert (copy.segment, copy.n_tokens) == ("00ff", 7)
        assert copy.id != str(sales.id)

    def test_a_message_points_to_the_text_that_is_read_again(self, sales, conversation):
        run = services.start_run(conversation, "Sum them.", attachments=[sales.id])
        ConversationFile.objects.update(segment="aaff", n_tokens=9)
        sales.refresh_from_db()
        files.point_steps_at(sales)
        (ref,) = log.read(run.id)[0].attachments
        assert (ref.segment, ref.n_tokens) == ("aaff", 9)


def test_chats_that_are_not_kept_leave_their_files_to_be_deleted(sales, bob, gpt):
    chat = services.start_conversation(bob, gpt, "api")
    run = services.start_run(chat, "Sum them.", attachments=[sales.id])
    made = files.keep(run, "chart.png", PNG, untrusted=False)
    services.cancel_run(run)
    Conversation.objects.update(changed="2020-01-01T00:00Z")
    assert forget_transient()
    assert {str(file.id) for file in files.forgotten()} == {str(sales.id), made.id}


class TestAddresses:
    """What browsers get."""

    def test_uploading_needs_a_session_and_a_file(self, client, bob):
        upload = {"file": SimpleUploadedFile("sales.csv", b"a,b")}
        assert client.post(reverse("attach"), upload).status_code == 401
        client.force_login(bob)
        assert client.post(reverse("attach"), {}).status_code == 400
        told = client.post(reverse("attach"), {"file": SimpleUploadedFile("sales.csv", b"a,b")}).json()
        assert (told["name"], told["size"], told["state"]) == ("sales.csv", 3, "reading")

    def test_the_composer_follows_the_reading_of_ones_own_file_only(self, client, bob, charlie):
        file = attached(bob, "scan.pdf", status="parsing", n_read=3, n_pages=20)
        status, remove = (reverse(name, args=[file.id]) for name in ("file_status", "file_remove"))
        client.force_login(charlie)
        assert [client.get(status).status_code, client.post(remove).status_code] == [404, 404]
        client.force_login(bob)
        assert client.get(status).json()["progress"] == "Reading, page 3 of 20"
        ConversationFile.objects.update(status="failed", error="The file is empty.")
        told = client.get(status).json()
        assert (told["state"], told["error"]) == ("unreadable", "The file is empty.")
        assert client.post(remove).status_code == 204
        assert client.get(status).status_code == 404

    def test_pictures_are_shown_and_the_rest_is_a_download(self, client, bob, charlie, sales):
        picture = files.attach(bob, "a.png", [PNG])
        client.force_login(bob)
        shown, download = (client.get(reverse("run_file", args=[file.id])) for file in (picture, sales))
        assert shown["Content-Type"] == "image/png"
        assert shown["Content-Disposition"].startswith("inline")
        assert download["Content-Type"] == "application/octet-stream"
        assert download["Content-Disposition"].startswith("attachment")
        for response in (shown, download):
            assert "sandbox" in response["Content-Security-Policy"]
            assert response["X-Content-Type-Options"] == "nosniff"
        client.force_login(charlie)
        assert client.get(reverse("run_file", args=[picture.id])).status_code == 404
