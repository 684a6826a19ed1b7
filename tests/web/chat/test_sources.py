"""A citation opens the passage where it stands, for the reader of the answer and nobody else."""

import uuid
from collections.abc import Callable

import pytest
from django.test import Client

from gpts.knowledge.documents import Citation, Passage, SentenceSupport
from gpts.knowledge.sections import Section, SectionBlock
from gpts.runs.steps import Finished, Retrieval
from tests.publishing import let
from web.builder.models_files import KnowledgeFile
from web.builder.services import delete_gpt, set_sharing
from web.chat.sources import shown_blocks
from web.chat.support import notes
from web.rpc import NoResult
from web.runs import log
from web.runs.citations import ShownPage, SourceView, pictures_of, place
from web.runs.deletion import delete_conversation
from web.runs.models import Run

PICTURE = b"RIFF\x00\x00\x00\x00WEBPnot really"
QUOTE = "Service it every 450 hours."
TEXT = f"The lip seal wears. {QUOTE} Drain it first."
SECTION = Section(
    parts=(
        SectionBlock(text="Seals", start=93, is_heading=True),
        SectionBlock(text=TEXT, start=100),
        SectionBlock(text="| Part | Number |\n| Seal | ZP-771 |", start=200),
    ),
    cut_after=True,
)


class Workers:
    """What workers would answer, and what they were asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.fails = ""

    def ask(self, task: str, *args: str, queue: str, timeout_s: float) -> dict:
        self.asked.append((task.rpartition(".")[2], *args))
        if self.fails:
            raise NoResult(self.fails)
        if task.endswith("show_page"):
            return self.shown(args[0], int(args[1])).model_dump(mode="json")
        view = self.shown(args[1], 41, ((10.0, 20.0, 300.0, 12.5),))
        return view.model_copy(update={"section": SECTION}).model_dump(mode="json")

    def shown(self, sha256: str, page: int, boxes: tuple = ()) -> SourceView:
        """The view of one page, its picture drawn."""
        pictures_of(sha256).mkdir(parents=True, exist_ok=True)
        (pictures_of(sha256) / f"{page}.webp").write_bytes(PICTURE + str(page).encode())
        return SourceView(pages=(ShownPage(page=page, width=800, height=1100, boxes=boxes),))


@pytest.fixture
def workers(monkeypatch) -> Workers:
    workers = Workers()
    monkeypatch.setattr("web.rpc.call", workers.ask)
    return workers


@pytest.fixture
def file(gpt, home) -> KnowledgeFile:
    """The cited file, in the file store."""
    (home / "files").mkdir(exist_ok=True)
    (home / "files" / ("ab" * 32)).write_bytes(b"%PDF-1.7 the manual")
    return KnowledgeFile.objects.create(
        gpt=gpt, name="manual.pdf", sha256="ab" * 32, size=19, status="ready", n_pages=212
    )


@pytest.fixture
def cite(run: Run, file: KnowledgeFile) -> Callable[..., Run]:
    """Ends Bob's run with an answer that cites the file, `fields` changed in passage and citation."""

    def end(
        support: tuple[SentenceSupport, ...] = (),
        n_withheld: int = 0,
        withheld: tuple[str, ...] = (),
        **fields: object,
    ) -> Run:
        place = {
            "file_id": str(file.id),
            "file_name": "manual.pdf",
            "segment": "5e9",
            "chunk": 4,
            "page": 41,
            **fields,
        }
        breaks = place.pop("page_breaks", ())
        passage = Passage(text=TEXT, start=100, end=100 + len(TEXT), heading="Seals", page_breaks=breaks, **place)
        citation = Citation(
            tag=1, quote=QUOTE, start=120, end=147, answer_start=0, answer_end=10, heading="Seals", **place
        )
        log.append(run.id, Retrieval(query="seal", passages=(passage,), covered=True))
        left_out = {"n_withheld": n_withheld, "withheld": withheld}
        answer = {"text": "450 hours. Twice.", "citations": (citation,), "support": support, "coverage": "covered"}
        log.append(run.id, Finished(**answer, **left_out))
        return run

    return end


def declined(run: Run, text: str, **fields: object) -> Run:
    """Ends Bob's run with an answer that declines and offers a passage."""
    close = Citation(
        tag=1,
        file_id="f1",
        file_name="<i>manual.pdf",
        segment="5e9",
        chunk=4,
        quote=QUOTE,
        start=20,
        end=47,
        answer_start=0,
        answer_end=0,
        heading="Care > Seals",
    )
    log.append(run.id, Retrieval(query="price", whole_files=("<i>manual.pdf",), covered=True))
    log.append(run.id, Finished(text=text, closest=(close,), coverage="not_covered", **fields))
    return run


def source(run: Run, rest: str = "") -> str:
    return f"/c/turn/{run.id}/sources/0{rest}"


def picture(run: Run, page: int) -> str:
    return f"/runs/{run.id}/citations/0/pages/{page}.webp"


def test_the_quote_is_shown_in_its_section_and_on_its_page(as_bob, cite, file, workers):
    run = cite()
    page = as_bob.get(source(run)).content.decode()
    assert workers.asked == [("show_source", "5e9", file.sha256, "120", "147")]
    assert '<mark data-marks="0">Service it every 450 hours.</mark>' in page
    assert "<h3>Seals</h3>" in page
    assert page.count("<th") == 2
    assert f'src="{picture(run, 41)}"' in page
    assert f'alt="{TEXT}"' in page
    assert '<rect x="10.0" y="20.0" width="300.0" height="12.5"/>' in page


def test_the_picture_comes_from_what_was_drawn_and_is_drawn_again_if_gone(as_bob, cite, file, workers):
    run = cite()
    response = as_bob.get(picture(run, 41))
    assert b"".join(response.streaming_content) == PICTURE + b"41"
    assert response.headers["Content-Type"] == "image/webp"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert as_bob.get(picture(run, 41), headers={"If-None-Match": response.headers["ETag"]}).status_code == 304
    assert len(workers.asked) == 1


def test_a_declined_question_offers_its_closest_passages_to_open(as_bob, run, workers):
    declined(run, "The files don’t cover that.")
    workers.fails = "The workers are busy."
    page = as_bob.get(f"/c/{run.message.conversation_id}/").content.decode()
    assert "Closest passages in the files" in page
    assert "<bdi>&lt;i&gt;manual.pdf</bdi>, “Seals”</span></a>" in page
    assert f'<mark data-marks="0">{QUOTE}</mark>' in page
    assert "Not covered by the files" not in page  # the answer says so
    assert as_bob.get(source(run)).status_code == 200
    assert as_bob.get(f"/c/turn/{run.id}/sources/1").status_code == 404


class TestRights:
    """Who may see what of a file that an answer cites."""

    @pytest.mark.parametrize("browser", ["as_charlie", "as_alice", "as_nobody"])
    def test_only_the_reader_of_the_answer_can_open_its_source(self, browser, alice, cite, workers, request, gpt):
        run = cite()
        let(gpt, files_downloadable=True)
        if browser == "as_charlie":
            client = request.getfixturevalue(browser)
        else:
            client = Client()
            if browser == "as_alice":
                client.force_login(alice)
        addresses = [source(run), source(run, "/pages/41"), picture(run, 41), f"/runs/{run.id}/citations/0/file"]
        assert [client.get(address).status_code for address in addresses] == [404] * 4
        assert workers.asked == []

    def test_guessed_ids_and_numbers_lead_nowhere(self, as_bob, cite, workers):
        run = cite()
        guessed = [f"/c/turn/{uuid.uuid4()}/sources/0", f"/c/turn/{run.id}/sources/1", f"/c/turn/{run.id}/sources/-1"]
        guessed += [f"/runs/{run.id}/citations/9/pages/41.webp", f"/runs/{uuid.uuid4()}/citations/0/file"]
        assert [as_bob.get(address).status_code for address in guessed] == [404] * 5

    @pytest.mark.parametrize("page", [0, 1, 40, 42, 10**12])
    def test_other_pages_stay_closed_without_the_switch(self, as_bob, cite, workers, page):
        run = cite()
        assert as_bob.get(source(run, f"/pages/{page}")).status_code == 404
        assert as_bob.get(picture(run, page)).status_code == 404
        assert "data-direction" not in as_bob.get(source(run)).content.decode()

    def test_a_page_that_somebody_else_had_drawn_stays_closed(self, as_bob, cite, file, workers):
        run = cite()
        workers.shown(file.sha256, 7)
        assert as_bob.get(picture(run, 7)).status_code == 404

    def test_with_the_switch_all_pages_and_the_file_are_open(self, as_bob, cite, gpt, file, workers):
        run = cite()
        let(gpt, files_downloadable=True)
        page = as_bob.get(source(run)).content.decode()
        assert 'aria-label="Page 40"' in page
        assert 'aria-label="Page 42"' in page
        assert "Page 42 of 212" in as_bob.get(source(run, "/pages/42")).content.decode()
        assert as_bob.get(picture(run, 42)).status_code == 200
        assert f"/runs/{run.id}/citations/0/file" in page

    def test_the_file_comes_as_an_attachment_that_no_browser_opens(self, as_bob, cite, gpt):
        run = cite(file_name='man\r\nual";.pdf')
        let(gpt, files_downloadable=True)
        response = as_bob.get(f"/runs/{run.id}/citations/0/file")
        assert b"".join(response.streaming_content) == b"%PDF-1.7 the manual"
        assert response.headers["Content-Disposition"] == 'attachment; filename="manual\\";.pdf"'
        assert response.headers["Content-Type"] == "application/octet-stream"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in response.headers["Content-Security-Policy"]

    def test_the_file_stays_closed_without_the_switch(self, as_bob, cite, workers):
        run = cite()
        assert as_bob.get(f"/runs/{run.id}/citations/0/file").status_code == 404
        assert "Download" not in as_bob.get(source(run)).content.decode()

    def test_who_lost_the_gpt_keeps_the_quoted_page_only(self, as_bob, cite, gpt, workers):
        run = cite()
        let(gpt, files_downloadable=True)
        set_sharing(gpt, "me", by=gpt.owner)
        assert as_bob.get(picture(run, 41)).status_code == 200
        assert as_bob.get(picture(run, 42)).status_code == 404
        assert as_bob.get(f"/runs/{run.id}/citations/0/file").status_code == 404
        delete_gpt(gpt)
        assert as_bob.get(picture(run, 41)).status_code == 200

    def test_a_file_that_left_the_draft_still_opens(self, as_bob, cite, file, workers):
        run = cite()
        KnowledgeFile.objects.update(removed="2026-11-24T00:00Z")
        assert as_bob.get(source(run)).status_code == 200
        assert as_bob.get(picture(run, 41)).status_code == 200

    def test_a_deleted_chat_closes_its_sources(self, as_bob, cite, conversation, workers):
        run = cite()
        delete_conversation(conversation)
        assert as_bob.get(source(run)).status_code == 404
        assert as_bob.get(picture(run, 41)).status_code == 404

    def test_a_file_of_another_gpt_is_never_opened(self, as_bob, cite, file, workers, alice):
        from web.builder.services import create_gpt

        run = cite()
        KnowledgeFile.objects.filter(id=file.id).update(gpt=create_gpt(alice, {"name": "Other"}))
        assert as_bob.get(picture(run, 41)).status_code == 404


def test_a_quote_over_two_pages_opens_both(as_bob, cite, file, workers):
    run = cite(page_breaks=((130, 42), (160, 43)))
    for page in (42, 43):
        workers.shown(file.sha256, page)
    assert as_bob.get(picture(run, 42)).status_code == 200
    assert as_bob.get(picture(run, 43)).status_code == 404


def test_when_no_worker_answers_the_fragment_says_so(as_bob, cite, workers):
    run = cite()
    workers.fails = "The workers are busy."
    page = as_bob.get(source(run)).content.decode()
    assert "The workers are busy. You can still read the passage here." in page
    assert "data-has-text" not in page
    response = as_bob.get(picture(run, 41))
    assert (response.status_code, response.content.decode()) == (503, "The workers are busy.")


def test_a_citation_without_its_file_keeps_its_passage(as_bob, cite, workers):
    run = cite(file_id="f1")
    assert as_bob.get(source(run)).status_code == 200
    assert workers.asked == [("show_source", "5e9", "", "120", "147")]
    assert as_bob.get(picture(run, 41)).status_code == 404


def test_an_accepted_finding_shows_as_a_badge(as_bob, cite, workers):
    run = cite(untrusted=True)
    assert "flagged passage" in as_bob.get(f"/c/turn/{run.id}").content.decode()


@pytest.mark.parametrize(
    ("unit", "page", "heading", "words"),
    [
        ("page", 41, "Seals", "page 41, “Seals”"),
        ("slide", 3, "", "slide 3"),
        ("sheet", 2, "Prices", "sheet “Prices”"),
        ("sheet", 2, "Prices > Table 1", "sheet “Prices”, “Table 1”"),
        ("sheet", 2, "", "sheet 2"),
        ("page", None, "", ""),
    ],
)
def test_a_place_is_named_by_what_the_format_counts(unit, page, heading, words):
    assert place(unit, page, heading) == words


def test_a_quoted_row_is_marked_in_its_cells():
    row = "| Seal | ZP-771 |"
    start = SECTION.parts[2].start + len("| Part | Number |\n")
    table = shown_blocks(SECTION, {0: (start, start + len(row))})[2]
    assert [[piece.text for cell in row for piece in cell] for row in table.rows] == [
        ["Part", "Number"],
        ["Seal", "ZP-771"],
    ]
    assert [[piece.marks for cell in row for piece in cell] for row in table.rows] == [["", ""], ["0", "0"]]


class TestSupport:
    """The answer is "450 hours. Twice.": the first sentence cites."""

    def page(self, as_bob, run) -> str:
        return as_bob.get(f"/c/turn/{run.id}").content.decode()

    def test_a_partly_supported_sentence_has_a_dotted_number_and_a_legend(self, as_bob, cite):
        page = self.page(as_bob, cite((SentenceSupport(answer_start=0, answer_end=10, level="partly"),)))
        assert 'class="cite partly"' in page
        assert 'aria-label="Source 1, partly: manual.pdf' in page
        assert "Dotted citations only partly support the sentence." in page

    def test_an_unsupported_sentence_is_marked_and_counted(self, as_bob, cite):
        levels = (
            SentenceSupport(answer_start=0, answer_end=10, level="supported"),
            SentenceSupport(answer_start=11, answer_end=17, level="unsupported"),
        )
        page = self.page(as_bob, cite(levels))
        assert 'Twice.&nbsp;<span class="sentence-mark unsupported" role="img" title="Not found in the files"' in page
        assert "1 sentence was not found in the files." in page
        assert "Dotted" not in page

    def test_an_answer_from_elsewhere_is_called_so_once(self, as_bob, cite):
        levels = tuple(
            SentenceSupport(answer_start=a, answer_end=b, level="unsupported") for a, b in ((0, 10), (11, 17))
        )
        page = self.page(as_bob, cite(levels))
        assert "Nothing in this answer was found in the files." in page
        assert "sentence-mark" not in page

    def test_a_calculated_sentence_says_what_from_and_one_of_the_person_that_it_is_theirs(self, as_bob, cite):
        levels = (
            SentenceSupport(answer_start=0, answer_end=10, level="calculated", formulas=("900 ÷ 2 = 450",)),
            SentenceSupport(answer_start=11, answer_end=17, level="conversation"),
        )
        page = self.page(as_bob, cite(levels))
        assert 'class="sentence-mark calculated" role="img" title="Calculated: 900 ÷ 2 = 450"' in page
        assert 'class="sentence-mark conversation" role="img" title="From this conversation"' in page
        assert '<li class="support-note calculated">Calculated: 900 ÷ 2 = 450</li>' in page
        assert "not found" not in page

    @pytest.mark.parametrize("readable", [("It costs 40 euros.",), ()])
    def test_withheld_sentences_are_counted_and_can_be_opened_where_the_creator_lets_people(
        self, as_bob, cite, readable
    ):
        page = self.page(as_bob, cite((), n_withheld=1, withheld=readable))
        assert "1 sentence is not shown, as it was not found in the files." in page
        assert ('<li dir="auto">It costs 40 euros.</li>' in page) is bool(readable)

    def test_a_sentence_in_another_language_than_the_files_is_told_to_be_not_checked(self, as_bob, cite):
        support = (
            SentenceSupport(answer_start=0, answer_end=10, level="supported"),
            SentenceSupport(answer_start=11, answer_end=17, level="not_checked"),
        )
        page = self.page(as_bob, cite(support))
        assert (
            'Twice.&nbsp;<span class="sentence-mark not-checked" role="img" title="Not checked: the files are' in page
        )
        assert "1 sentence is not checked: the files are in a different language, or there is too much" in page
        assert "not found in the files" not in page

    @pytest.mark.parametrize(
        ("level", "words"),
        [("quoted", "Quoted from the files."), ("result", "From what a tool returned, not from the files.")],
    )
    def test_an_answer_of_quotes_or_results_says_so_once(self, as_bob, cite, level, words):
        levels = tuple(SentenceSupport(answer_start=a, answer_end=b, level=level) for a, b in ((0, 10), (11, 17)))
        page = self.page(as_bob, cite(levels))
        assert page.count(words) == 1
        assert "sentence-mark" not in page

    def test_a_supported_answer_says_nothing_more(self, as_bob, cite):
        page = self.page(as_bob, cite((SentenceSupport(answer_start=0, answer_end=10, level="supported"),)))
        assert "support-note" not in page


def test_what_only_code_returned_is_said_to_be_calculated():
    end = Finished(text="7", support=(SentenceSupport(answer_start=0, answer_end=1, level="result"),))
    assert [each.words for each in notes(end, is_by_code=True)] == ["Calculated by code."]
