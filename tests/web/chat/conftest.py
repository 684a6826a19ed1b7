"""Answers as a worker would leave them in the log, without a worker."""

from collections.abc import Callable, Sequence

import pytest
from django.test import Client

from gpts.knowledge.documents import Citation, Passage
from gpts.runs.steps import Finished, Retrieval
from web.runs import log
from web.runs.models import Run

PASSAGE = Passage(
    file_id="f1",
    file_name="manual.pdf",
    segment="s1",
    chunk=4,
    text="The lip seal wears. Service it every 450 hours. Drain the housing first.",
    start=100,
    end=172,
    heading="Seals",
    page=41,
    score=0.9,
    cosine=0.8,
)
ANSWER = "Service the seal every 450 hours. Drain it first."


def cited(tag: int, quote: str, answer: str, sentence: str, passage: Passage = PASSAGE) -> Citation:
    """The citation of `sentence` in `answer` by `quote` in `passage`."""
    start, at = passage.start + passage.text.index(quote), answer.index(sentence)
    return Citation(
        tag=tag,
        file_id=passage.file_id,
        file_name=passage.file_name,
        segment=passage.segment,
        chunk=passage.chunk,
        quote=quote,
        start=start,
        end=start + len(quote),
        answer_start=at,
        answer_end=at + len(sentence),
        heading=passage.heading,
        page=passage.page,
    )


CITATIONS = (
    cited(1, "Service it every 450 hours.", ANSWER, "Service the seal every 450 hours."),
    cited(1, "Drain the housing first.", ANSWER, "Drain it first."),
)


@pytest.fixture
def answer() -> Callable[..., None]:
    """Ends a run with an answer that cites the passage found for it."""

    def end(run: Run, text: str = ANSWER, citations: Sequence[Citation] = CITATIONS, **fields: object) -> None:
        log.append(run.id, Retrieval(query="seal", passages=(PASSAGE,), covered=True))
        log.append(run.id, Finished(text=text, citations=tuple(citations), **{"coverage": "covered", **fields}))

    return end


@pytest.fixture
def as_bob(client: Client, bob) -> Client:
    """A browser in which Bob is signed in."""
    client.force_login(bob)
    return client


@pytest.fixture
def as_charlie(charlie) -> Client:
    """A browser in which Charlie is signed in."""
    browser = Client()
    browser.force_login(charlie)
    return browser
