"""A program opens a citation as the page does: same places, same rights, same pictures."""

from typing import Any

import pytest
from django.test import Client

from gpts.knowledge.sections import Section, SectionBlock
from gpts.runs.steps import Finished, Retrieval
from tests.publishing import let
from tests.web.api.conftest import ANSWER, CITATION, PASSAGE, QUOTE, bearer, key_of
from web.builder.models import Gpt
from web.builder.models_files import KnowledgeFile
from web.rpc import NoResult
from web.runs import log
from web.runs.citations import ShownPage, SourceView, pictures_of
from web.runs.models import Run
from web.runs.services import start_run


def show(task: str, segment: str, sha256: str, start: str, end: str, **_: object) -> dict[str, Any]:
    """What a worker answers: the quote on page 7 of 9."""
    section = Section(parts=(SectionBlock(text=QUOTE, start=int(start), page=7),), cut_after=True)
    page = ShownPage(page=7, width=800, height=1100, boxes=((10.0, 20.0, 30.0, 4.5),))
    pictures_of(sha256).mkdir(parents=True, exist_ok=True)
    (pictures_of(sha256) / "7.webp").write_bytes(b"picture")
    return SourceView(section=section, pages=(page,)).model_dump(mode="json")


@pytest.fixture
def cited(run: Run, gpt: Gpt, home, monkeypatch) -> str:
    """The address of the one citation of Bob's answered run."""
    monkeypatch.setattr("web.rpc.call", show)
    (home / "files").mkdir(exist_ok=True)
    (home / "files" / ("0" * 64)).write_bytes(b"the manual")
    file = KnowledgeFile.objects.create(
        gpt=gpt, name="manual.pdf", sha256="0" * 64, size=10, status="ready", n_pages=9
    )
    names = {"file_id": str(file.id)}
    log.append(run.id, Retrieval(query="q", passages=(PASSAGE.model_copy(update=names),), covered=True))
    log.append(run.id, Finished(text=ANSWER, citations=(CITATION.model_copy(update=names),), coverage="covered"))
    return f"/api/runs/{run.id}/citations/0"


@pytest.fixture
def bobs(bob) -> Client:
    """Bob's program."""
    return bearer(key_of(bob))


def test_it_gives_the_passage_its_section_and_the_places_of_the_words(bobs, cited):
    told = bobs.get(cited).json()
    assert (told["passage"], told["passage_start"]) == (QUOTE, 100)
    assert told["citation"]["start"] == 100
    assert told["citation"]["unit"] == "page"
    assert told["citation"]["untrusted"] is False
    assert told["section"]["parts"] == [{"text": QUOTE, "start": 100, "page": 7, "is_heading": False}]
    assert told["section"]["cut_after"] is True
    page = {
        "page": 7,
        "picture": f"{cited}/pages/7",
        "width": 800,
        "height": 1100,
        "boxes": [[10.0, 20.0, 30.0, 4.5]],
    }
    assert told["pages"] == [page]
    assert (told["n_pages"], told["trouble"], told["download"]) == (9, None, None)


def test_a_declined_question_comes_with_its_closest_passages(bobs, run, monkeypatch):
    monkeypatch.setattr("web.rpc.call", show)
    log.append(run.id, Retrieval(query="q", passages=(PASSAGE,), covered=True))
    log.append(run.id, Finished(text="They don’t say.", closest=(CITATION,), coverage="not_covered"))
    state = bobs.get(f"/api/runs/{run.id}").json()
    assert (state["answer"], state["citations"], state["closest"][0]["quote"]) == ("They don’t say.", [], QUOTE)
    chat = bobs.get(f"/api/conversations/{run.message.conversation_id}").json()
    assert chat["messages"][0]["closest"] == state["closest"]
    assert bobs.get(f"/api/runs/{run.id}/citations/0").json()["passage"] == QUOTE


def test_the_picture_is_where_it_says(bobs, cited):
    response = bobs.get(bobs.get(cited).json()["pages"][0]["picture"])
    assert response.headers["Content-Type"] == "image/webp"
    assert b"".join(response.streaming_content) == b"picture"


def test_without_a_worker_the_passage_remains_and_the_picture_is_a_503(bobs, cited, monkeypatch):
    def nobody(*args: str, **_: object) -> None:
        raise NoResult("The workers are busy.")

    monkeypatch.setattr("web.rpc.call", nobody)
    told = bobs.get(cited).json()
    assert (told["passage"], told["pages"], told["trouble"]) == (QUOTE, [], "The workers are busy.")
    response = bobs.get(f"{cited}/pages/7")
    assert (response.status_code, response.json()["detail"]) == (503, "The workers are busy.")


@pytest.mark.parametrize("rest", ["", "/pages/7", "/download"])
def test_charlie_and_the_owner_of_the_gpt_find_nothing(rest, cited, alice, charlie, gpt):
    let(gpt, files_downloadable=True)
    for person in (alice, charlie):
        assert bearer(key_of(person)).get(cited + rest).status_code == 404


def test_other_pages_and_the_file_follow_the_creator_s_switch(bobs, cited, gpt):
    assert bobs.get(f"{cited}/pages/8").status_code == 404
    assert bobs.get(f"{cited}/download").status_code == 404
    let(gpt, files_downloadable=True)
    (pictures_of("0" * 64)).mkdir(parents=True, exist_ok=True)
    (pictures_of("0" * 64) / "8.webp").write_bytes(b"eight")
    assert bobs.get(f"{cited}/pages/8").status_code == 200
    response = bobs.get(bobs.get(cited).json()["download"])
    assert b"".join(response.streaming_content) == b"the manual"
    assert response.headers["Content-Disposition"] == 'attachment; filename="manual.pdf"'


def test_a_run_tells_of_each_sentence_how_far_it_is_supported(bobs, conversation):
    run = start_run(conversation, "Which seal?")
    levels = ({"answer_start": 0, "answer_end": 19, "level": "partly", "formulas": []},)
    citation = CITATION.model_copy(update={"unit": "slide", "untrusted": True})
    log.append(run.id, Finished(text=ANSWER, citations=(citation,), support=levels, coverage="covered"))
    told = bobs.get(f"/api/runs/{run.id}").json()
    assert told["support"] == list(levels)
    assert (told["citations"][0]["unit"], told["citations"][0]["untrusted"]) == ("slide", True)
    [turn] = bobs.get(f"/api/conversations/{conversation.id}").json()["messages"]
    assert (turn["support"], turn["citations"]) == (told["support"], told["citations"])


def test_there_is_no_second_citation(bobs, cited):
    assert bobs.get(cited.removesuffix("0") + "1").status_code == 404
