"""Versions: what changed in each, and bringing one back."""

import re
import time

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from gpts.spec.gpt import DelegateRef, GptSpec, KnowledgeRef, ModelSettings
from tests.publishing import let, publish
from web.builder import services
from web.builder.changes import differences
from web.builder.files import add_file
from web.builder.models import Gpt, GptVersion
from web.builder.services import update_gpt
from web.runs import kept_files


def spec(**fields) -> GptSpec:
    return GptSpec(**{"slug": "a", "name": "Pump Doctor", **fields})


def words(old: GptSpec, new: GptSpec) -> dict[str, str]:
    return {change.label: change.words for change in differences(old, new)}


def test_equal_versions_differ_in_nothing():
    assert differences(spec(), spec()) == ()


def test_each_changed_field_is_said_in_words():
    old = spec(description="Old.", starters=("A?", "B?"), instructions="Be kind.")
    new = spec(
        name="Pump Nurse",
        starters=("B?", "C?", "D?"),
        instructions="Be very kind.",
        knowledge=(KnowledgeRef(file_id="1", name="manual.pdf", segment="s"),),
        only_from_knowledge=True,
        model=ModelSettings(temperature=0.7, max_tokens=500),
    )

    assert words(old, new) == {
        "Name": "rewritten",
        "Description": "removed",
        "Instructions": "rewritten",
        "Conversation starters": "2 added, 1 removed",
        "Knowledge": "1 added",
        "Answer only from knowledge": "off → on",
        "Temperature": "0.2 → 0.7",
        "Maximum reply length": "automatic → 500 tokens",
    }


def test_changes_in_whom_it_asks_are_said_in_words():
    old = spec(delegates=(asks("clerk", "Prices"), asks("desk"), asks("guide", "Tours")), delegates_to_store=True)
    new = spec(delegates=(asks("clerk", "Orders"), asks("guide", "Tours"), asks("scout")), delegates_to_all=True)

    assert words(old, new) == {
        "When to ask clerk": "rewritten",
        "GPTs it can ask": "1 added, 1 removed",
        "Always ask all of them": "off → on",
        "Can ask GPTs from the store": "on → off",
    }


def asks(slug: str, when: str = "") -> DelegateRef:
    return DelegateRef(gpt_id=slug, slug=slug, when=when)


def test_a_rewritten_text_marks_only_the_words_that_differ():
    [change] = differences(spec(instructions="Be kind to people."), spec(instructions="Be very kind to people."))

    assert change.pieces == (("same", "Be "), ("new", "very "), ("same", "kind to people."))


def test_texts_that_repeat_one_word_are_compared_in_no_time():
    """Word by word where that can be read, else by lines; comparing these took 84 s, of the web process."""
    old, new = "a " * 4_000, "a b " * 2_000
    begun = time.process_time()

    [change] = differences(spec(instructions=old), spec(instructions=new))
    [by_line] = differences(spec(instructions=f"Same.\n{old[:7_000]}"), spec(instructions=f"Same.\n{new[:7_000]}"))

    assert time.process_time() - begun < 1
    assert change.pieces == (("gone", old), ("new", new))
    assert by_line.pieces[0] == ("same", "Same.\n")


def test_moved_starters_are_in_another_order():
    assert words(spec(starters=("A?", "B?")), spec(starters=("B?", "A?"))) == {"Conversation starters": "reordered"}


def test_history_tells_versions_apart_and_escapes_them(as_alice, gpt):
    update_gpt(gpt, {"instructions": "Help with <b>pumps</b>."}, by=gpt.owner)
    publish(gpt)

    page = as_alice.get("/gpts/pump-doctor/history").content.decode()

    assert page.index("Version 2") < page.index("Version 1")
    assert "Instructions rewritten" in page
    assert "<b>pumps" not in page
    assert "First version." in page


def test_a_long_history_comes_in_pages_each_compared_with_the_version_before(as_alice, gpt):
    for number in range(2, 24):
        update_gpt(gpt, {"instructions": f"Take {number}."}, by=gpt.owner)
        publish(gpt)

    first = as_alice.get("/gpts/pump-doctor/history").content.decode()
    second = as_alice.get("/gpts/pump-doctor/history?page=2").content.decode()

    assert ("Version 4<" in first, "Version 3<" in first) == (True, False)
    assert first.count("Instructions rewritten") == 20
    assert (second.count("Instructions rewritten"), second.count("First version.")) == (2, 1)
    assert "Page 2 of 2" in second


def test_versions_of_a_day_are_bounded_and_only_the_newest_stay(as_alice, gpt, monkeypatch):
    """Each version holds the whole GPT, and a program can publish twenty times a second."""
    for number in range(5):
        update_gpt(gpt, {"description": f"Version {number}."}, by=gpt.owner)
        publish(gpt)
    GptVersion.objects.create(gpt=gpt, data=gpt.draft_spec().model_dump(mode="json"), replaced=timezone.now())
    monkeypatch.setattr(services, "VERSIONS_A_DAY", GptVersion.objects.count())
    with pytest.raises(ValidationError, match="new versions a day"):
        publish(gpt)
    update_gpt(gpt, {"description": "Unpublished."}, by=gpt.owner)
    first = gpt.versions.get(number=1)
    page = as_alice.post(f"/gpts/{gpt.slug}/restore/{first.id}", follow=True).content.decode()
    assert "new versions a day" in page
    monkeypatch.setattr(kept_files, "KEPT_VERSIONS", 2)
    kept_files.forget_versions()
    last = gpt.versions.filter(number__isnull=False).values_list("number", flat=True)
    assert [gpt.published.number - number for number in sorted(last, reverse=True)] == [0, 1]


def test_restoring_brings_fields_and_files_back_into_the_draft_only(as_alice, gpt):
    file = add_file(gpt, "a.txt", [b"words"])
    gpt.files.update(status="ready", segment="s1")
    publish(gpt)  # version 2 has the file
    as_alice.post(f"/gpts/pump-doctor/files/{file.id}/remove")
    update_gpt(gpt, {"instructions": "Third."}, by=gpt.owner)
    publish(gpt)

    as_alice.post(f"/gpts/pump-doctor/restore/{gpt.versions.get(number=2).id}")

    gpt.refresh_from_db()
    assert gpt.instructions == "Help with pumps."
    assert [f.name for f in gpt.files.filter(removed=None)] == ["a.txt"]
    assert gpt.published.number == 3
    assert as_alice.post("/gpts/pump-doctor/restore/999999").status_code == 404


def test_restoring_asks_before_it_replaces_unpublished_work_and_keeps_that_work(as_alice, gpt, bob, client):
    add_file(gpt, "pending.pdf", [b"words"])
    update_gpt(gpt, {"instructions": "A day of work."}, by=gpt.owner)
    first = f"/gpts/pump-doctor/restore/{gpt.published_id}"
    assert f'href="{first}"' in as_alice.get("/gpts/pump-doctor/history").content.decode()

    page = as_alice.get(first).content.decode()
    assert "Replace your draft?" in page
    assert "<del>A day of work.</del>" in page
    assert "pending.pdf" in page
    gpt.refresh_from_db()
    assert gpt.instructions == "A day of work."  # looking changes nothing
    as_alice.post(first)
    gpt.refresh_from_db()
    assert gpt.instructions == "Help with pumps."

    assert "Replaced drafts" in as_alice.get("/gpts/pump-doctor/history").content.decode()
    draft = gpt.versions.exclude(replaced=None).get()
    as_alice.post(f"/gpts/pump-doctor/restore/{draft.id}")
    gpt.refresh_from_db()
    assert gpt.instructions == "A day of work."
    as_alice.post(f"/gpts/pump-doctor/restore/{draft.id}")
    assert gpt.versions.exclude(replaced=None).count() == 1  # nothing was lost this time
    client.force_login(bob)
    assert client.get(first).status_code == 404
    assert client.post(f"/gpts/pump-doctor/restore/{draft.id}").status_code == 404


def test_restoring_says_which_switches_it_turns_off_at_once(as_alice, gpt):
    first = f"/gpts/pump-doctor/restore/{gpt.published_id}"
    let(gpt, a2a=True)
    assert "off → on" in as_alice.get("/gpts/pump-doctor/history").content.decode()
    off = "in the live version too: Available as an A2A agent."
    assert off in as_alice.get(first).content.decode()
    assert off in as_alice.post(first, follow=True).content.decode()
    assert off not in as_alice.post(first, follow=True).content.decode()  # it was off already


def test_what_a_preview_kept_is_no_version_to_restore(as_alice, gpt):
    from web.builder.versions import preview_version

    assert as_alice.post(f"/gpts/pump-doctor/restore/{preview_version(gpt).id}").status_code == 404


def test_a_draft_without_versions_says_so(as_alice, alice):
    from web.builder.services import create_gpt

    create_gpt(alice, {"name": "Idea"})
    assert b"Nothing published yet" in as_alice.get("/gpts/idea/history").content


def test_versions_have_notes_and_authors_and_can_be_compared(client, alice, gpt):
    client.force_login(alice)
    publish(update_gpt(gpt, {"instructions": "Answer in one line.", "temperature": 0.5}, by=gpt.owner))
    first, second = gpt.versions.filter(number__isnull=False).order_by("number")
    assert second.author == alice
    client.post(f"/gpts/{gpt.slug}/history/{second.id}/note", {"note": "  Shorter \n answers  "})
    assert "Shorter answers" in client.get(f"/gpts/{gpt.slug}/history").content.decode()
    client.post(f"/gpts/{gpt.slug}/history/{second.id}/note", {"note": "x" * 301})
    second.refresh_from_db()
    assert second.note == "Shorter answers"
    page = client.get(f"/gpts/{gpt.slug}/compare?old={first.number}&new={second.number}").content.decode()
    assert "Answer in one line." in page
    assert "<del>0.2</del>" in page
    assert "<ins>0.5</ins>" in page
    assert "No differences" in client.get(f"/gpts/{gpt.slug}/compare?new={second.number}").content.decode()
    assert client.get(f"/gpts/{gpt.slug}/compare?old=99").status_code == 404
    assert client.get(f"/gpts/{gpt.slug}/compare?old=x").status_code == 200


@pytest.mark.parametrize("changed", [True, False])
def test_a_restored_draft_is_undone_by_its_button(client, alice, gpt, changed):
    client.force_login(alice)
    publish(update_gpt(gpt, {"instructions": "Second."}, by=gpt.owner))
    if changed:
        update_gpt(gpt, {"instructions": "Not published."}, by=gpt.owner)
    before = gpt.draft_spec()
    first = gpt.versions.filter(number__isnull=False).order_by("number").first()
    page = client.post(f"/gpts/{gpt.slug}/restore/{first.id}", follow=True).content.decode()
    assert Gpt.objects.get(id=gpt.id).draft_spec() == first.spec()
    undo = re.search(r'action="(/gpts/[^"]+/restore/\d+)"', page)
    client.post(undo[1])
    assert Gpt.objects.get(id=gpt.id).draft_spec() == before
