"""GPTs from elsewhere become drafts with their fields, files and actions; what is left out is named."""

import io
import json
import zipfile
from typing import Any
from unittest import mock

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile

from gpts.portable import archive
from gpts.portable.package import Package
from gpts.portable.recognising import recognise
from tests.web.builder.test_actions import worker  # noqa: F401 - a fixture
from tests.web.runs.foreign_exports import EXPORTS, GIZMO, SECRET, WEATHER, Export, dumped
from tests.web.runs.test_chat_imports import zipped
from web import confined, rpc
from web.accounts import quotas
from web.builder.duplicates import keyless
from web.builder.models import Gpt
from web.builder.models_files import KnowledgeFile
from web.runs import importing
from web.runs.importing import Taken, bring


@pytest.fixture(autouse=True)
def pictures(settings, tmp_path) -> None:
    settings.MEDIA_ROOT = tmp_path / "pictures"


def files(named: dict[str, bytes]) -> list[SimpleUploadedFile]:
    return [SimpleUploadedFile(name, data) for name, data in named.items()]


def brought(user: Any, export: Export) -> Taken:
    return bring(user, export.text, files(export.files))


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_of_another_system_becomes_a_draft(name, alice, worker):  # noqa: F811
    export = EXPORTS[name]
    taken = brought(alice, export)
    assert len(taken.gpts) == export.n_gpts
    gpt = Gpt.objects.get(id=taken.gpts[0].id)
    assert {field: getattr(gpt, field) for field in export.fields} == export.fields
    if export.n_gpts == 1:
        assert {file.name: file.path.read_bytes() for file in gpt.files.all()} == export.knowledge
        made = {each.name: spec.auth for spec in gpt.draft_spec().actions for each in spec.operations}
        assert made == export.actions
    notes = "\n".join(gpt.imported["notes"])
    assert [words for words in export.notes if words not in notes] == []
    assert bool(gpt.picture) == export.has_picture
    assert (gpt.owner, gpt.sharing, gpt.published) == (alice, "me", None)


@pytest.mark.parametrize("name", EXPORTS)
def test_no_secret_of_another_system_is_taken_over(name, alice, worker):  # noqa: F811
    for gpt in brought(alice, EXPORTS[name]).gpts:
        rows = [*gpt.actions.values(), *Gpt.objects.filter(id=gpt.id).values()]
        assert SECRET not in repr(rows)
        assert keyless(gpt) == [row.name for row in gpt.actions.exclude(auth="none")]


def test_people_sign_in_where_they_did(alice, worker):  # noqa: F811
    [gpt] = brought(alice, EXPORTS["ChatGPT, a gizmo whose action signs people in"]).gpts
    assert gpt.actions.get().oauth == {
        "client_id": "calendar-app",
        "authorize_url": "https://login.example/authorize",
        "token_url": "https://login.example/token",
        "revoke_url": "",
        "scope": "calendar.read",
        "token_auth": "basic",
    }


def test_a_text_without_labels_is_instructions(alice):
    [gpt] = bring(alice, "You are a kind tutor.", []).gpts
    assert (gpt.name, gpt.instructions) == ("Imported GPT", "You are a kind tutor.")
    assert "no labels" in gpt.imported["notes"][0]


def test_capabilities_that_the_site_lacks_are_named(alice, worker, monkeypatch):  # noqa: F811
    monkeypatch.setattr(importing, "missing_capabilities", lambda: {"web_browsing": "No search engine is set."})
    [gpt] = brought(alice, EXPORTS["ChatGPT, labels on lines of their own"]).gpts
    assert "Web browsing is not set up here: No search engine is set." in gpt.imported["notes"]
    assert "web_browsing" in gpt.capabilities


def test_an_action_that_cannot_be_read_is_named_and_the_rest_imported(alice, worker):  # noqa: F811
    gizmo = json.loads(json.dumps(GIZMO))
    gizmo["tools"][3]["metadata"]["raw_spec"] = '{"openapi": "3.1.0", "paths": {}}'
    gizmo["tools"].append({"type": "plugins_prototype", "metadata": {"domain": "x.example"}})
    [gpt] = bring(alice, json.dumps(gizmo), []).gpts
    notes = "\n".join(gpt.imported["notes"])
    assert "The action “api.weather.example” could not be read." in notes
    assert "“x.example” came without its OpenAPI document" in notes
    assert not gpt.actions.exists()


REFUSED = {
    "nothing": ("", {}, "Paste a configuration or choose a file"),
    "JSON that is none of them": ('{"a": 1}', {}, "none of the exports"),
    "damaged JSON": ('{"gizmo": ', {}, "damaged"),
    "a part of an exported GPT": ("", {"gpt.json": dumped({"format": "guildhall-gpt"})}, "Import the whole file"),
    "a zip of something else": ("", {"holiday.zip": zipped({"1.jpg": b"x"})}, "holiday.zip: This is no export"),
    "files without a GPT": ("", {"a.md": b"# Notes", "b.png": b"\0x"}, "no export of ChatGPT"),
    "an empty file": ("", {"a.txt": b" \n"}, "a.txt: The file is empty"),
    "a file for one of several": (
        "",
        {"a.json": EXPORTS["LibreChat, a list of agents"].files["agents.json"], "b.md": b"x"},
        "has 2 GPTs",
    ),
    "chats that were pasted": (json.dumps([{"mapping": {"a": {}}}]), {}, "Upload exported chats as a file"),
    "too many GPTs": (
        "",
        {"a.json": dumped([{"id": f"{n}", "params": {}, "meta": {}} for n in range(51)])},
        "51 GPTs",
    ),
    "a paste that is too long": ("x" * 2_000_001, {}, "too long to paste"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_imported_is_refused_in_words(case, alice, worker):  # noqa: F811
    text, named, words = REFUSED[case]
    with pytest.raises(ValidationError, match=words):
        bring(alice, text, files(named))
    assert Gpt.objects.count() == KnowledgeFile.objects.count() == 0


def test_of_several_gpts_all_are_imported_or_none(alice, worker):  # noqa: F811
    quotas.set_limit("gpts", 2, alice)
    with pytest.raises(quotas.QuotaExceeded):
        brought(alice, EXPORTS["Open WebUI, several models"])
    assert not alice.gpts.exists()


def test_what_takes_too_long_to_read_is_refused_in_words(alice, monkeypatch):
    monkeypatch.setattr(confined, "read", mock.Mock(side_effect=confined.Unreadable))
    for text, named in (("{}", {}), ("", {"a.json": b"{}"})):
        with pytest.raises(ValidationError, match="takes too long to read"):
            bring(alice, text, files(named))


def test_an_archive_with_too_long_a_list_is_not_listed(alice, monkeypatch):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        packed.writestr("conversations.json", "[]")
    monkeypatch.setattr(archive, "MAX_LIST_BYTES", 50)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(ValidationError, match="unpacks to more"):
        bring(alice, "", files({"a.zip": data.getvalue()}))


def test_without_a_worker_nothing_is_imported(alice, monkeypatch):
    def away(*_: Any, **__: Any) -> None:
        raise rpc.NoResult(rpc.AWAY)

    monkeypatch.setattr(rpc, "call", away)
    with pytest.raises(rpc.NoResult):
        bring(alice, "", files({"a.json": dumped(WEATHER)}))
    assert not alice.gpts.exists()


JSONS = [data for export in EXPORTS.values() for name, data in export.files.items() if name.endswith(".json")]


@pytest.mark.parametrize("value", [None, 5, "x\0\ud800", [], {}, [[]], True, 1e999])
def test_a_value_of_another_type_anywhere_breaks_nothing(value):
    """Each field of the first object in turn, at any depth, has another type than described."""
    for data in JSONS:
        for changed in variants(json.loads(data), value):
            for each in recognise(json.dumps(changed), "a.json").gpts:
                assert Package.model_validate_json(each.package.model_dump_json()) == each.package


def variants(value: Any, other: Any) -> list[Any]:
    """Copies of `value` with one of its inner values replaced by `other`."""
    if isinstance(value, dict):
        found = [{**value, key: other} for key in value]
        return found + [{**value, key: inner} for key in value for inner in variants(value[key], other)]
    if isinstance(value, list) and value:
        return [[other, *value[1:]], *([inner, *value[1:]] for inner in variants(value[0], other))]
    return []
