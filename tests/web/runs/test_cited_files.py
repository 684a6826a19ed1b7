"""An answer may cite files of the GPTs that were asked for it: its reader opens them through it, and no others."""

from uuid import UUID

import pytest
from django.test import Client

from gpts.knowledge.documents import Citation, Passage
from gpts.runs.steps import Finished, Retrieval
from tests.publishing import let, publish
from tests.web.runs import trees
from tests.web.runs.attached import attached
from web.accounts.models import User
from web.builder.models import Gpt
from web.builder.models_files import KnowledgeFile
from web.builder.services import set_sharing
from web.runs import files, log, services
from web.runs.citations import SourceView, access_citation, cited_file, passage_of, view
from web.runs.deletion import delete_conversation
from web.runs.models import ConversationFile, Run

QUOTE = "The fee is 12."
TEXT = f"Since March: {QUOTE} Pay it."


def passage_in(file: KnowledgeFile, **fields: object) -> Passage:
    """The passage of `file` that holds the quote."""
    place = {"file_id": str(file.id), "file_name": file.name, "segment": file.segment, "chunk": 0, "page": 3}
    return Passage(**{**place, "text": TEXT, "start": 100, "end": 100 + len(TEXT), **fields})


def citation_of(passage: Passage, **fields: object) -> Citation:
    """A citation of the quote in `passage`."""
    start = passage.start + TEXT.index(QUOTE)
    named = {name: getattr(passage, name) for name in ("file_id", "file_name", "segment", "chunk", "page")}
    place = {"quote": QUOTE, "start": start, "end": start + len(QUOTE), "answer_start": 0, "answer_end": 6}
    return Citation(tag=1, **{**named, **place, **fields})


def file_of(gpt: Gpt, sha: str) -> KnowledgeFile:
    """A ready file of `gpt`."""
    return KnowledgeFile.objects.create(
        gpt=gpt, name="fees.pdf", sha256=sha * 64, size=9, status="ready", segment=f"seg-{sha}", n_pages=9
    )


@pytest.fixture
def tax(alice) -> Gpt:
    """Alice's other GPT, which is asked."""
    return trees.published(alice, "Tax Clerk")


@pytest.fixture
def shown(monkeypatch) -> list[tuple[str, ...]]:
    """What workers were asked to show."""
    asked: list[tuple[str, ...]] = []

    def ask(person: int, task: str, *args: str, **_: object) -> dict:
        asked.append((task.rpartition(".")[2], *args))
        return SourceView().model_dump(mode="json")

    monkeypatch.setattr("web.runs.citations.call_for", ask)
    return asked


def answered(run: Run, tax: Gpt, passage: Passage, citation: Citation) -> Run:
    """Let `run` ask `tax`, get the passage with its answer, and cite it. Returns the run that was asked."""
    trees.calls(run, trees.call_of(tax, "a", "What is the fee?"))
    child = trees.ask(run, tax, "What is the fee?", "a")
    log.append(child.id, Finished(text="It is 12.", citations=(citation,)))
    trees.give(run, "a", child, "It is 12.", passages=(passage,))
    log.append(run.id, Finished(text="12, then.", citations=(citation,)))
    return child


@pytest.fixture
def file(tax) -> KnowledgeFile:
    """The file of the GPT that is asked."""
    return file_of(tax, "a")


@pytest.fixture
def child(run, tax, file) -> Run:
    """The run that was asked; the run that asked cites its file."""
    passage = passage_in(file)
    return answered(run, tax, passage, citation_of(passage))


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_reader_opens_it_through_the_answer(child, run, bob, file, shown):
    for each in (run, child):
        assert browser_of(bob).get(f"/c/turn/{each.id}/sources/0").status_code == 200
    start = 100 + TEXT.index(QUOTE)
    assert shown == [("show_source", "seg-a", file.sha256, str(start), str(start + len(QUOTE)))] * 2
    assert access_citation(bob, run.id, 0).passage.text == TEXT


def test_the_page_of_the_chat_shows_the_passage(child, run, bob):
    page = browser_of(bob).get(f"/c/{run.message.conversation_id}/").content.decode()
    assert f'data-view="/c/turn/{run.id}/sources/0"' in page
    assert f'<mark data-marks="0">{QUOTE}</mark>' in page


def test_nobody_else_opens_it(child, run, charlie, alice, shown):
    for user in (charlie, alice):
        for each in (run, child):
            assert browser_of(user).get(f"/c/turn/{each.id}/sources/0").status_code == 404
    assert shown == []


def test_its_own_creator_says_who_may_have_the_whole_file(child, run, gpt, tax, bob):
    let(gpt, files_downloadable=True)  # the GPT that asked: none of its business
    assert not access_citation(bob, run.id, 0).has_all
    let(tax, files_downloadable=True)
    assert access_citation(bob, run.id, 0).has_all
    set_sharing(tax, "me", by=tax.owner)
    assert not access_citation(bob, run.id, 0).has_all


class TestAttached:
    """A file that the reader attached is all theirs, and nobody else's."""

    @pytest.fixture
    def attachment(self, bob, run) -> ConversationFile:
        """Bob's file, sent in his chat."""
        facts = {"segment": "seg-b", "n_pages": 9, "conversation": run.message.conversation}
        return attached(bob, "report.pdf", TEXT.encode(), **facts)

    @pytest.fixture(autouse=True)
    def cited(self, run: Run, attachment: ConversationFile) -> None:
        """Bob's run is answered with a quote of the file."""
        place = {"segment": "seg-b", "chunk": 0, "text": TEXT, "start": 100, "end": 100 + len(TEXT), "page": 2}
        passage = Passage(file_id=str(attachment.id), file_name=attachment.name, **place)
        log.append(run.id, Retrieval(query="The fee?", passages=(passage,)))
        log.append(run.id, Finished(text="12, then.", citations=(citation_of(passage),)))

    def test_its_owner_sees_all_of_it(self, run, attachment, bob):
        cited = access_citation(bob, run.id, 0)
        assert (cited.file, cited.has_all, cited.may_see(9)) == (attachment, True, True)
        response = browser_of(bob).get(f"/runs/{run.id}/citations/0/file")
        assert b"".join(response.streaming_content) == TEXT.encode()

    def test_nobody_else_does_nor_is_it_left_after_the_chat(self, run, attachment, bob, alice, charlie):
        for user in (alice, charlie):  # Alice made the GPT
            assert browser_of(user).get(f"/runs/{run.id}/citations/0/file").status_code == 404
        delete_conversation(run.message.conversation)
        assert browser_of(bob).get(f"/runs/{run.id}/citations/0/file").status_code == 404

    def test_a_citation_cannot_name_anothers_file(self, run, attachment, charlie, gpt):
        other = services.start_run(services.start_conversation(charlie, gpt), "May I?")
        place = {"segment": "seg-b", "chunk": 0, "text": TEXT, "start": 100, "end": 100 + len(TEXT)}
        forged = citation_of(Passage(file_id=str(attachment.id), file_name="report.pdf", **place))
        assert cited_file(other, forged) is None


class TestForged:
    """A citation that names a file of a GPT that had no part opens nothing of it."""

    @pytest.fixture
    def secret(self, alice) -> KnowledgeFile:
        """A file of a GPT that nobody asked."""
        return file_of(trees.published(alice, "Vault Keeper"), "b")

    def test_not_by_its_file(self, child, run, secret, bob, shown):
        forged = citation_of(passage_in(secret))
        assert cited_file(run, forged) is None
        assert self.opened(run, bob, forged) == SourceView(trouble="The source of this quote is no longer available.")
        assert shown == []

    def test_not_by_its_segment_under_a_file_of_the_tree(self, child, run, file, secret, bob, shown):
        forged = citation_of(passage_in(file, segment=secret.segment))
        assert self.opened(run, bob, forged).trouble
        assert shown == []

    def test_not_by_a_passage_of_other_text(self, child, run, file, secret):
        forged = citation_of(passage_in(file), segment=secret.segment)
        assert passage_of(log.read(run.id), forged) is None

    def test_not_from_a_part_that_did_not_ask(self, child, run, file):
        """Who was asked sees nothing of those above it or beside it."""
        assert cited_file(run, citation_of(passage_in(file))) == file
        beside = trees.published(file.gpt.owner, "Plant Desk")
        Run.objects.filter(id=run.id).update(status="in_progress")
        other = trees.ask(run, beside, "May I?", "b")
        assert cited_file(other, citation_of(passage_in(file))) is None

    @pytest.mark.parametrize("file_id", ["", "f1", str(UUID(int=7))])
    def test_ids_from_elsewhere_are_no_files(self, run, file_id):
        place = {"file_name": "x", "segment": "s", "chunk": 0, "text": TEXT, "start": 100, "end": 100 + len(TEXT)}
        assert cited_file(run, citation_of(Passage(file_id=file_id, **place))) is None

    def opened(self, run: Run, bob: User, forged: Citation) -> SourceView:
        """What Bob is shown of an answer that cites `forged`."""
        Run.objects.filter(id=run.id).update(status="in_progress")
        log.append(run.id, Finished(text="12, then.", citations=(forged,)))
        return view(access_citation(bob, run.id, 0))


def test_code_opens_the_files_of_a_gpt_for_those_who_may_download_them(child, tax, file, alice, bob):
    attached(bob, "mine.csv", b"a,b", conversation=child.message.conversation)
    file.path.write_bytes(b"%PDF")
    set_sharing(tax, "store", by=tax.owner)
    publish(tax)  # with the file
    own = services.start_run(services.start_conversation(alice, tax), "What is in it?")
    Run.objects.filter(id=child.id).update(version=tax.published)

    def opened(by: Run) -> set[str]:
        return {name for name, *_ in files.readable(Run.objects.get(id=by.id))}

    assert opened(child) == {"mine.csv"}
    assert opened(own) == {file.name}
    let(tax, files_downloadable=True)
    assert opened(child) == {"mine.csv", file.name}
    for allowed, text in ((False, "Only the creator can download"), (True, "You can download cited files")):
        let(tax, files_downloadable=allowed)
        assert text in " ".join(browser_of(bob).get(f"/g/{tax.slug}/").content.decode().split())
