"""Pictures that programs name by their URLs, read through the guard from a real server."""

import base64

import pytest

from tests.workers.egress.servers import serving
from web.runs.models import ConversationFile
from workers.egress import EgressConfig
from workers.rpc.programs import fetch_picture

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def alices(alice, settings, tmp_path, monkeypatch):
    settings.GUILDHALL_HOME = tmp_path
    monkeypatch.setattr("web.runs.files.queue_indexing", lambda file: None)
    return alice


@pytest.mark.django_db
def test_a_picture_becomes_a_file_of_the_persons(alices):
    with serving(lambda asked: asked.give(body=PNG, **{"Content-Type": "image/png"})) as server:
        allowed = EgressConfig(allow=(f"127.0.0.1:{server.port}",))
        found = fetch_picture(alices.pk, f"http://127.0.0.1:{server.port}/a/the%20cat.png?x=1", allowed)
    file = ConversationFile.objects.get(id=found["file"])
    assert (file.owner, file.name, file.mime, file.path.read_bytes()) == (alices, "the cat.png", "image/png", PNG)
    assert file.untrusted


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "kind", "body", "words"),
    [
        (200, "text/html", b"<p>", "text/html"),
        (404, "image/png", PNG, "status 404"),
        (200, "image/png", b"", "empty"),
    ],
)
def test_what_is_no_picture_is_refused(alices, status, kind, body, words):
    with serving(lambda asked: asked.give(status, body=body, **{"Content-Type": kind})) as server:
        allowed = EgressConfig(allow=(f"127.0.0.1:{server.port}",))
        found = fetch_picture(alices.pk, f"http://127.0.0.1:{server.port}/a.png", allowed)
    assert words in found["refused"]
    assert not ConversationFile.objects.exists()


@pytest.mark.django_db
def test_the_sites_own_network_is_out_of_reach(alices):
    with serving(lambda asked: asked.give(body=PNG, **{"Content-Type": "image/png"})) as server:
        found = fetch_picture(alices.pk, f"http://127.0.0.1:{server.port}/a.png", EgressConfig())
        assert not server.seen
    assert "refused" in found
