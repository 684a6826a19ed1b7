"""Knowledge files over the form's addresses: added one a request, each with its state, removed at once."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from web.builder.models_files import KnowledgeFile

from .conftest import JSON

URL = "/gpts/pump-doctor/files"


def upload(client, name: str = "manual.pdf", data: bytes = b"words"):
    """The answer to an upload of one file."""
    return client.post(URL, {"file": SimpleUploadedFile(name, data)}, headers=JSON)


def test_an_upload_is_kept_queued_and_described(as_alice, gpt, sent_tasks, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        response = upload(as_alice)

    file = KnowledgeFile.objects.get()
    assert response.status_code == 201
    assert response.json()["file"]["status"] == "received"
    assert file.path.read_bytes() == b"words"
    assert ("workers.tasks.index_file", str(file.id), "index") in sent_tasks
    assert "Publish version 2" in response.json()["parts"]["publish"]


def test_the_same_file_again_is_known(as_alice, gpt):
    first, second = upload(as_alice), upload(as_alice, "copy.pdf")

    assert second.json()["known"]
    assert second.json()["file"]["id"] == first.json()["file"]["id"]
    assert KnowledgeFile.objects.count() == 1


def test_an_empty_file_is_refused_in_words(as_alice, gpt):
    response = upload(as_alice, data=b"")

    assert response.status_code == 400
    assert response.json()["error"] == "The file is empty."


def test_a_file_too_large_is_refused_and_leaves_nothing(as_alice, gpt, settings, home):
    settings.MAX_FILE_BYTES = 1024 * 1024

    response = upload(as_alice, data=b"x" * (1024 * 1024 + 1))

    assert response.status_code == 400
    assert "up to 1 MB" in response.json()["error"]
    assert list((home / "files").iterdir()) == []


def test_one_file_too_many_is_refused(as_alice, gpt, settings):
    settings.MAX_FILES_PER_GPT = 2
    for n in range(2):
        assert upload(as_alice, data=b"words %d" % n).status_code == 201

    response = upload(as_alice, data=b"more")

    assert response.status_code == 400
    assert "up to 2 files" in response.json()["error"]


def test_a_request_without_a_file_says_so(as_alice, gpt):
    assert "No file selected" in as_alice.post(URL, headers=JSON).json()["error"]


def test_a_path_in_the_name_is_only_a_name(as_alice, gpt):
    assert upload(as_alice, "../../etc/passwd").json()["file"]["name"] == "passwd"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": "embedding", "n_done": 340, "n_chunks": 512}, "340 of 512"),
        ({"status": "ready", "n_pages": 212, "n_tokens": 98000}, "Ready, 212 pages, 98,000 tokens"),
        ({"status": "failed", "error": "This PDF is locked."}, "This PDF is locked."),
        ({"status": "parsing"}, "Reading"),
    ],
)
def test_each_state_has_its_words(as_alice, gpt, change, words):
    upload(as_alice)
    KnowledgeFile.objects.update(**change)

    [row] = as_alice.get(URL).json()["files"]

    assert words in " ".join(row["html"].split())
    assert (">Retry<" in row["html"]) == (change["status"] == "failed")


def test_a_failed_file_can_be_tried_again(as_alice, gpt):
    upload(as_alice)
    KnowledgeFile.objects.update(status="failed", error="Broken.")
    file = KnowledgeFile.objects.get()

    response = as_alice.post(f"{URL}/{file.id}/retry", headers=JSON)

    assert response.json()["file"]["status"] == "received"


def test_a_removed_file_is_gone_and_may_come_again(as_alice, gpt):
    file_id = upload(as_alice).json()["file"]["id"]

    as_alice.post(f"{URL}/{file_id}/remove", headers=JSON)
    assert as_alice.get(URL).json()["files"] == []
    assert as_alice.post(f"{URL}/{file_id}/remove", headers=JSON).status_code == 404
    assert not upload(as_alice).json()["known"]


def test_without_script_the_form_itself_carries_files(as_alice, gpt, fields):
    files = [SimpleUploadedFile("a.txt", b"a"), SimpleUploadedFile("b.txt", b"b")]

    as_alice.post("/gpts/pump-doctor/edit", {**fields, "files": files})

    assert sorted(gpt.files.values_list("name", flat=True)) == ["a.txt", "b.txt"]
    file = gpt.files.first()
    as_alice.post(f"{URL}/{file.id}/remove")
    assert gpt.files.filter(removed=None).count() == 1


def test_file_names_are_text_not_markup(as_alice, gpt):
    row = upload(as_alice, "<img src=x>.txt").json()["file"]["html"]

    assert "<img" not in row
    assert "&lt;img" in row
