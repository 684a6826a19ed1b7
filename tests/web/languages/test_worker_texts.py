"""What workers say of files and sources is in the language of the page that shows it, with its values."""

import json

import pytest
from django.test import Client
from django.utils import translation

from web import worker_texts
from web.accounts.models import User
from web.builder import files
from web.builder.models_files import KnowledgeFile
from web.builder.models_sources import Source, SourceCheck
from web.builder.services import create_gpt
from web.worker_texts import said
from workers.isolation.errors import NoText

EMPTY = str(NoText())


@pytest.fixture(autouse=True)
def english_again():
    yield
    translation.deactivate()


def test_the_list_has_every_sentence_of_the_workers() -> None:
    assert json.loads(worker_texts.LISTED.read_text()) == worker_texts.collected(), "run manage.py languages"
    assert EMPTY in worker_texts.collected()


def test_a_text_is_found_again_with_its_values() -> None:
    pages = "Only the first 1,200 of 3,000 pages were read. Split the file to use the rest."
    hidden = "Readers can't see this text: it is outside the page."
    assert [said(each) for each in ("", pages, hidden, "Anything else.")] == ["", pages, hidden, "Anything else."]
    with translation.override("de"):
        assert said(pages).startswith("Nur die ersten 1.200 von 3.000 Seiten")
        assert said(hidden) == "Leser sehen diesen Text nicht: er liegt außerhalb der Seite."
        assert said(f"note.pdf: {EMPTY}") == "note.pdf: Die Datei enthält keinen Text."
        assert said("docs.example has nothing at this address.").startswith("docs.example hat nichts")
        assert said("Anything else.") == "Anything else."


@pytest.mark.django_db
def test_pages_show_it_in_their_language(client: Client, alice: User, sent_tasks: object) -> None:
    gpt = create_gpt(alice, {"name": "Zorro"})
    file = files.add_file(gpt, "a.pdf", [b"a"])
    KnowledgeFile.objects.filter(id=file.id).update(status="failed", error=EMPTY)
    source = Source.objects.create(gpt=gpt, kind="page", settings={"kind": "page", "url": "https://docs.example/"})
    SourceCheck.objects.create(source=source, ended=source.created, error="docs.example no longer has it.")
    client.force_login(alice)
    for path in ("edit", "knowledge/"):
        page = client.get(f"/gpts/zorro/{path}", headers={"Accept-Language": "de"}).content.decode()
        assert "Die Datei enthält keinen Text." in page
        assert EMPTY not in page
    page = client.get(f"/gpts/zorro/sources/{source.id}/", headers={"Accept-Language": "fr"}).content.decode()
    assert "docs.example ne l’a plus." in page
