"""Files of a conversation: nobody but their owner has them, and no browser opens what is not a picture."""

from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import Http404
from django.urls import reverse

from gpts.runs.steps import UserMessage
from web.runs import files, log, services
from web.runs.errors import Refused
from web.runs.models import ConversationFile

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 32


@pytest.fixture
def sales(bob) -> ConversationFile:
    return files.attach(bob, "../sales.csv", [b"a,b\n1,2\n"])


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
    ((name, path, untrusted),) = files.readable(run)
    assert (name, path.read_bytes(), untrusted) == ("sales.csv", b"a,b\n1,2\n", True)


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
    services.delete_conversation(run.message.conversation)
    with pytest.raises(Http404):
        files.access_file(bob, ref.id)


def test_files_that_were_never_sent_are_forgotten(sales, settings, run):
    files.keep(run, "chart.png", PNG, untrusted=False)
    assert files.forget_unsent() == 0
    ConversationFile.objects.update(created="2020-01-01T00:00Z")
    assert files.forget_unsent() == 1


class TestAddresses:
    """What browsers get."""

    def test_uploading_needs_a_session_and_a_file(self, client, bob):
        upload = {"file": SimpleUploadedFile("sales.csv", b"a,b")}
        assert client.post(reverse("attach"), upload).status_code == 401
        client.force_login(bob)
        assert client.post(reverse("attach"), {}).status_code == 400
        told = client.post(reverse("attach"), {"file": SimpleUploadedFile("sales.csv", b"a,b")}).json()
        assert (told["name"], told["size"]) == ("sales.csv", 3)

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
