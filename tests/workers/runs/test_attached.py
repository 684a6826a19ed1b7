"""A file from its upload to the citation: read by a worker, searched and read by runs, passed on to a child's."""

from uuid import UUID

import pytest

from gpts.runs.intent import SUMMARY
from gpts.runs.steps import Finished, MessageIntent, Retrieval, UserMessage
from tests.publishing import publish
from tests.workers import advancing
from tests.workers.conftest import read
from tests.workers.knowledge.conftest import WordEmbedder
from tests.workers.made_services import ROUTED, made_services
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.services import create_gpt
from web.runs import files, log, services, stream
from web.runs.models import ConversationFile, Run
from workers.engine.scripted import CAPABLE, WEAK
from workers.knowledge.index import KnowledgeIndex

LEASE = b"# Lease\n\nThe rent is 980 euros per month. Small pets are allowed.\n"
RENT = "The rent is 980 euros per month."


@pytest.fixture
def attachments(bob, words: WordEmbedder, monkeypatch) -> list:
    """The ids of a lease that Bob attached."""
    monkeypatch.setattr(stream, "publish", lambda run_id, *new: None)
    return [read(files.attach(bob, "lease.md", [LEASE])).id]


@pytest.fixture
def clerk(alice) -> Gpt:
    """Another GPT without files."""
    clerk = create_gpt(alice, {"name": "Tax Clerk"})
    publish(clerk, Sharing.STORE)
    return clerk


def answered(run: Run, home, words, ability) -> tuple[Retrieval, Finished]:
    """What was found for the run, and its answer."""
    its = made_services([RENT], KnowledgeIndex(home, words), words, ability)
    advancing.advance(run.id, "model", lambda: its)
    steps = log.read(run.id)
    assert isinstance(steps[-1], Finished), steps[-1]
    return next(step for step in steps if isinstance(step, Retrieval)), steps[-1]


@pytest.mark.parametrize(("ability", "did"), [(CAPABLE, "Read lease.md"), (WEAK, "Searched 1 file, 1 passage")])
def test_an_attached_file_is_read_also_in_later_turns_and_by_guests(
    conversation, attachments, clerk, home, words, ability, did
):
    first = services.start_run(conversation, "How much is the rent per month?", attachments=attachments)
    found, last = answered(first, home, words, ability)
    assert found.summary() == did
    assert [(each.file_id, each.quote) for each in last.citations] == [(str(attachments[0]), RENT)]
    for mention in ("", clerk.slug):
        later = services.start_run(conversation, "And the rent per month, in euros?", mention=mention)
        assert answered(later, home, words, ability)[1].citations[0].quote == RENT


def test_the_model_reads_markdown_as_it_is_written_and_quotes_have_no_marks(conversation, attachments, home, words):
    run = services.start_run(conversation, "How much is the rent per month?", attachments=attachments)
    its = made_services([f"# Lease\n{RENT}"], KnowledgeIndex(home, words), words, CAPABLE)
    advancing.advance(run.id, "model", lambda: its)
    assert '<file name="lease.md">\n# Lease\n\nThe rent' in its.engine.requests[0].messages[-1].content
    [cited] = log.read(run.id)[-1].citations
    assert cited.quote == LEASE.decode().removeprefix("# ")[cited.start : cited.end] == RENT


def test_a_long_file_without_a_message_is_to_be_summarized(conversation, attachments, home, words):
    ConversationFile.objects.update(n_tokens=9_000)
    run = services.start_run(conversation, "", attachments=attachments)
    its = made_services([RENT] * 9, KnowledgeIndex(home, words), words, ROUTED)
    advancing.advance(run.id, "model", lambda: its)
    wish = next(step for step in log.read(run.id) if isinstance(step, MessageIntent))
    assert (wish.intent, wish.query, wish.file_ids) == ("whole_files", SUMMARY, (str(attachments[0]),))


def test_a_child_run_reads_what_was_passed_on(conversation, attachments, clerk, home, words, bob):
    first = services.start_run(conversation, "How much is the rent per month?", attachments=attachments)
    message = log.first(first.id)
    assert isinstance(message, UserMessage)
    other = services.start_conversation(bob, clerk)
    passed = files.pass_on(message.attachments, other)
    child = services.start_run(
        other, "How much is the rent per month?", attachments=[UUID(file.id) for file in passed]
    )
    assert answered(child, home, words, WEAK)[1].citations[0].file_id == passed[0].id
