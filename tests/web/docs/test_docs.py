"""The documentation pages: public, searchable, without dead links, and as short a README as promised."""

import re
from html import unescape
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.urls import Resolver404, resolve

from web.docs.contents import FOLDER, NAMES, doc_pages
from web.docs.search import search_docs

REPOSITORY = Path(__file__).resolve().parents[3]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_everyone_can_read_each_page(client, db, name):
    response = client.get(f"/docs/{name}/")

    assert response.status_code == 200
    html = response.content.decode()
    assert f"<h1>{doc_pages()[name].title}</h1>" in html
    assert 'aria-current="page"' in html
    assert "](" not in html  # Markdown that was not rendered


def test_every_file_is_a_page_and_no_page_has_an_anchor_twice():
    assert {path.stem for path in FOLDER.glob("*.md")} == set(NAMES)
    for page in doc_pages().values():
        anchors = [section.anchor for section in page.sections]
        assert len(set(anchors)) == len(anchors), page.name
        assert page.summary


def test_an_unknown_page_is_not_found(client, db):
    assert client.get("/docs/nowhere/").status_code == 404
    assert client.get("/docs/../settings/").status_code == 404


def test_the_first_page_lists_all_pages(client, db):
    html = client.get("/docs/").content.decode()
    assert all(f'href="/docs/{name}/"' in html for name in NAMES)
    assert client.get("/docs").headers["Location"] == "/docs/"


@pytest.mark.parametrize("name", NAMES)
def test_links_pictures_and_anchors_exist(name, settings):
    for href in re.findall(r'(?:href|src)="([^"]+)"', doc_pages()[name].html):
        path, _, anchor = unescape(href).partition("#")
        if path.startswith(settings.STATIC_URL):
            assert finders.find(path.removeprefix(settings.STATIC_URL)), href
            continue
        if path.startswith("https://"):
            continue
        try:
            match = resolve(path)
        except Resolver404:
            pytest.fail(f"{name}.md links to {href}")
        if anchor:
            page = doc_pages()[match.kwargs["name"]]
            assert anchor in {section.anchor for section in page.sections}, href


@pytest.mark.parametrize(
    ("query", "url"),
    [
        ("How do I publish a GPT?", "/docs/creating/#how-do-i-publish-a-gpt"),
        ("invite", "/docs/operating/#how-do-i-invite-people"),
        ("Why are the answers so bad?", "/docs/models/#why-are-the-answers-so-bad"),
        ("import ChatGPT", "/docs/creating/#can-i-import-my-chatgpt-gpt"),
        ("backups", "/docs/trust/#backups"),
        ("curl", "/docs/api/#call-a-gpt-with-curl"),
        ("BASE_MODEL", "/docs/models/#connect-a-better-model"),
    ],
)
def test_a_search_finds_the_section_first(query, url):
    assert search_docs(query)[0].section.url == url


def test_a_search_shows_the_words_marked_and_escapes_the_rest(client, db):
    html = client.get("/docs/", {"q": "secret <script>alert(1)</script>"}).content.decode()
    assert "<mark>secret" in html
    assert "<script>alert" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("query", ["", "   ", "xyzzy", "***", "(", "a" * 5_000, "\x00"])
def test_a_search_for_nothing_finds_nothing(client, db, query):
    assert search_docs(query) == []
    assert client.get("/docs/", {"q": query}).status_code == 200


def test_pages_link_to_the_documentation(client, db):
    assert 'href="/docs/"' in client.get("/").content.decode()


def test_the_readme_is_short_and_names_what_exists():
    assert len(README.splitlines()) <= 150
    for path in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (REPOSITORY / path).is_file(), path


def test_the_readme_walks_one_turn_through_eight_files():
    walk = README.partition("## How one turn flows")[2].partition("\n## ")[0]
    paths = re.findall(r"^\d\. `([^`]+)`", walk, re.MULTILINE)
    assert len(paths) == 8
    for path in paths:
        assert (REPOSITORY / path).is_file() or (REPOSITORY / "platform" / path).is_file(), path
