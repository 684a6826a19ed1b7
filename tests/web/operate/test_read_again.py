"""The models page counts the files that are still to be read by another embedder."""

import pytest

from web.builder.models_files import KnowledgeFile

pytestmark = pytest.mark.django_db
SAID = "still to be read again"


def test_files_in_use_that_wait_to_be_read_are_counted(client, alice, gpt):
    alice.is_staff = True
    alice.save()
    client.force_login(alice)
    files = [KnowledgeFile.objects.create(gpt=gpt, name=f"{n}.md", sha256=f"{n}", size=1) for n in range(3)]

    def page() -> str:
        return client.get("/operate/models/").content.decode()

    assert SAID not in page()  # uploaded just now
    KnowledgeFile.objects.filter(id__in=[file.id for file in files[:2]]).update(segment="00ff")
    assert f"2 knowledge files {SAID}" in page()
    KnowledgeFile.objects.update(status="ready")
    assert SAID not in page()
