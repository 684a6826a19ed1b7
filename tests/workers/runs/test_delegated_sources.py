"""Facts of a file keep their source through a chain of GPTs, each of which asks the next."""

from http import HTTPStatus

import pytest
from django.test import Client

from gpts.knowledge.documents import Passage
from gpts.runs.steps import Finished
from tests.workers.made_services import made_services
from tests.workers.runs.test_loop import Embedder
from tests.workers.trees import Index, Script, Worker, ask, call, last, make_gpt, says
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.models_files import KnowledgeFile
from web.builder.services import set_sharing
from web.runs.citations import access_citation, where
from web.runs.models import Run
from workers.runs.services import Services

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "Tax rates 2025\n\nThe rate for books is 7 %. The reduced rate needs no application."
START = 400


class Files(Index):
    """Only the last GPT has a file, which it reads whole."""

    passage: Passage

    def n_tokens(self, refs):
        return 100

    def whole(self, refs):
        return (self.passage,)


@pytest.fixture
def chain(alice) -> list[Gpt]:
    """Four GPTs, each of which may ask the next; the last one has a file."""
    gpts = [make_gpt(alice, "Tax Helper")]
    for name in ("Accounts", "Office", "Front Desk"):
        gpts.insert(0, make_gpt(alice, name, gpts[0]))
    return gpts


@pytest.fixture
def file(chain) -> KnowledgeFile:
    file = KnowledgeFile.objects.create(
        gpt=chain[-1], name="tax.pdf", sha256="ab", size=1, segment="seg", status="ready", n_pages=9
    )
    version = chain[-1].published
    version.data["knowledge"] = [{"file_id": str(file.id), "name": file.name, "segment": "seg"}]
    version.save()
    return file


def services(script: Script, file: KnowledgeFile) -> Services:
    index = Files()
    index.passage = Passage(
        file_id=str(file.id),
        file_name=file.name,
        segment="seg",
        chunk=3,
        text=TEXT,
        start=START,
        end=START + len(TEXT),
        page=4,
    )

    def reply(messages):
        return script[messages[0].content.split(",")[0].removeprefix("You are ")](messages)

    return made_services(reply, index, Embedder())


def passes_on(tool: str, answer: str):
    """A model that asks one GPT and then says this."""
    return lambda messages: answer if messages[-1].role == "tool" else call(tool, "What is the rate for books?")


def answered(bob, chain, file, sent_tasks, **said: str) -> tuple[Run, Finished]:
    run = ask(bob, chain[0], "What is the rate for books?")
    script = {
        "Front Desk": passes_on("ask_office", said["front"]),
        "Office": passes_on("ask_accounts", said["office"]),
        "Accounts": passes_on("ask_tax_helper", said["accounts"]),
        "Tax Helper": says(said["helper"]),
    }
    Worker(sent_tasks, services(script, file)).drain()
    return run, last(run)


def test_a_fact_that_was_passed_on_three_times_cites_the_page_of_its_file(bob, chain, file, sent_tasks):
    run, end = answered(
        bob,
        chain,
        file,
        sent_tasks,
        helper="The rate for books is 7 %.",
        accounts="For books, a rate of 7 % is charged.",
        office="A rate of 7 % is charged for books.",
        front="You are charged 7 % for books.",
    )
    (cited,) = end.citations
    assert (cited.file_name, cited.quote, cited.page) == ("tax.pdf", "The rate for books is 7 %.", 4)
    assert (cited.start, cited.gpt) == (START + TEXT.index("The rate"), "Tax Helper")
    assert "Tax Helper" in where(cited)
    assert [each.level for each in end.support] == ["supported"]
    assert end.coverage == "covered"
    opened = access_citation(bob, run.id, 0)
    assert (opened.file, opened.passage.text, opened.pages) == (file, cited.quote, (4,))


def test_whoever_may_no_longer_use_the_gpt_sees_the_quote_and_not_the_file(bob, chain, file, sent_tasks):
    run, _ = answered(
        bob, chain, file, sent_tasks, **dict.fromkeys(("helper", "accounts", "office", "front"), "The rate is 7 %.")
    )
    set_sharing(chain[-1], Sharing.ME, by=chain[-1].owner)
    opened = access_citation(bob, run.id, 0)
    assert (opened.may_see(4), opened.may_see(5), opened.has_all) == (True, False, False)


def test_a_fact_of_no_file_is_cited_to_the_gpt_that_gave_it(bob, chain, file, sent_tasks):
    run, end = answered(
        bob,
        chain,
        file,
        sent_tasks,
        helper="Ms Dorn decides on exceptions. The rate for books is 7 %.",
        accounts="Exceptions are decided by Ms Dorn.",
        office="Ms Dorn decides on exceptions.",
        front="Ask Ms Dorn: she decides on exceptions.",
    )
    (cited,) = end.citations
    assert (cited.file_id, cited.file_name, cited.quote) == ("", "Tax Helper", "Ms Dorn decides on exceptions.")
    as_bob = Client()
    as_bob.force_login(bob)
    page = as_bob.get(f"/c/{run.message.conversation_id}/").content.decode()
    assert "answer of this GPT" in page
    source = as_bob.get(f"/runs/{run.id}/sources/0/")
    assert source.status_code == HTTPStatus.OK
    assert "no longer available" not in source.content.decode()
