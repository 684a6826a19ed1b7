"""Files that do not fit the prompt are read part by part: each part once, none half-done, none left out silently."""

import os
from dataclasses import replace

import pytest
from django.utils import timezone

from gpts.knowledge.documents import Block, Document
from gpts.runs import reading
from gpts.runs.steps import Cancelled, Error, FileRef, Log, PartNotes, Retrieval
from tests.workers import advancing
from tests.workers.knowledge.conftest import WordEmbedder
from tests.workers.made_services import made_services
from web.builder.models import GptVersion
from web.runs import fair_queue, log, services, stream
from web.runs.models import Run, StepRow
from workers.engine.base import Token
from workers.engine.scripted import CAPABLE, ScriptedEngine
from workers.knowledge import kept_notes, segments
from workers.knowledge.index import KnowledgeIndex
from workers.knowledge.pipeline import content_of
from workers.runs import loop

ABILITY = CAPABLE.model_copy(update={"context_tokens": 3_000, "calls_tools": False})
SECTIONS = 12
FILLER = "Some more words stand here so that the section has its length. " * 32


def manual(name: str = "Pump") -> Document:
    """Twelve sections of some 400 words on as many pages, each with one fact."""
    blocks = []
    for n in range(1, SECTIONS + 1):
        blocks.append(Block(text=f"Section {n}", heading=f"Section {n}", page=n))
        blocks.append(
            Block(text=f"The {name} valve V{n}00 opens at {n} bar. {FILLER}", heading=f"Section {n}", page=n)
        )
    return Document(title=f"{name} manual", blocks=tuple(blocks))


class Model:
    """Says `line` of every message, notes the facts of a text, and answers with all facts in its notes."""

    def __init__(self, line: str = "FILES: 1 | summary") -> None:
        self.line = line
        self.texts: list[str] = []
        self.answer = ""
        self.at_text = lambda number: None

    def __call__(self, messages):
        last = messages[-1].content
        if last.startswith("Files:"):
            return self.line
        facts = [each for each in last.replace(". ", ".\n").splitlines() if " opens at " in each]
        if last.startswith("Text:"):
            self.texts.append(last)
            self.at_text(len(self.texts))
            return "\n".join(f"- {fact}" for fact in facts) or "NOTHING"
        return self.answer or "\n".join(facts)


@pytest.fixture(autouse=True)
def told(monkeypatch) -> list[dict]:
    """The events that readers would have got."""
    events: list[dict] = []
    monkeypatch.setattr(stream, "publish", lambda run_id, *new: events.extend(new))
    return events


@pytest.fixture
def index(home) -> KnowledgeIndex:
    return KnowledgeIndex(home, WordEmbedder())


@pytest.fixture
def give(home, run):
    """Give the run's GPT these documents as files."""

    def give_files(*documents: Document, **fields) -> None:
        refs = []
        for number, document in enumerate(documents):
            recipe = segments.Recipe(document.text(), WordEmbedder.id, WordEmbedder.dim)
            info = segments.write(home, recipe, content_of([document], WordEmbedder()))
            refs.append({"file_id": f"f{number}", "name": f"{number}.pdf", "segment": info.address})
        version = GptVersion.objects.get(id=run.version_id)
        version.data |= {"knowledge": refs, **fields}
        version.save()

    return give_files


def advance(run: Run, its) -> Log:
    advancing.advance(run.id, "model", lambda: its)
    return log.read(run.id)


def finish(run: Run, its) -> Log:
    """Advance the run as often as workers would: it goes to the end of its queue after each part."""
    for _ in range(30):
        if (steps := advance(run, its))[-1].kind in ("finished", "error"):
            return steps
    raise AssertionError("the run does not end")


def notes_in(steps: Log) -> list[PartNotes]:
    return [step for step in steps if isinstance(step, PartNotes)]


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def its(model, index):
    return made_services(model, index, WordEmbedder(), ABILITY)


def test_a_long_file_is_read_to_its_end_and_every_fact_is_cited(run, give, its, model, told):
    give(manual(), only_from_knowledge=True)
    steps = finish(run, its)
    notes = notes_in(steps)
    assert [step.kind for step in steps] == [
        *("user_message", "message_intent"),
        *["part_notes"] * len(notes),
        *("retrieval", "model_reply", "finished"),
    ]
    assert len(notes) > 2
    assert [each.start for each in notes] == [0, *(each.end for each in notes[:-1])]
    assert notes[0].place.startswith("pages 1–")
    assert notes[-1].end == len(manual().text())
    assert sorted(each.page for each in steps[-1].citations) == list(range(1, SECTIONS + 1))
    assert all(each.quote in manual().text() for each in steps[-1].citations)
    assert steps[-1].text.count("opens at") == SECTIONS  # none was withheld
    assert steps[-1].label.is_untrusted
    assert steps[-1].label.private == ("knowledge",)
    progress = [event["text"] for event in told if event["type"] == "progress"]
    reading_parts = [f"Reading 0.pdf, part {n} of {len(notes)}" for n in range(1, len(notes) + 1)]
    assert progress[: len(notes) + 2] == ["Reading your message", *reading_parts, "Writing the answer"]
    assert Run.objects.get(id=run.id).n_tokens > sum(len(text.split()) for text in model.texts)


def test_the_model_sees_one_part_at_a_time_and_nothing_of_the_conversation(run, give, its, model):
    give(manual(), instructions="Secret words of the creator.")
    finish(run, its)
    requests = [
        request.messages for request in its.engine.requests if request.messages[-1].content.startswith("Text:")
    ]
    seen = "".join(message.content for messages in requests for message in messages)
    assert "Which seal" not in seen
    assert "Secret" not in seen
    assert all(seen.count(f"V{n}00 ") == 1 for n in range(1, SECTIONS + 1))


def test_between_two_parts_the_run_waits_behind_all_others(
    run, give, its, sent_tasks, django_capture_on_commit_callbacks
):
    give(manual())
    other = services.start_run(services.start_conversation(run.owner, run.gpt), "And this?")
    sent_tasks.clear()
    with django_capture_on_commit_callbacks(execute=True):
        advance(run, its)
    assert sent_tasks == [("workers.tasks.advance", str(run.id), "model")]
    assert Run.objects.get(id=run.id).lease == ""
    assert len(notes_in(log.read(run.id))) == 1
    assert [fair_queue.take("model").run_id for _ in range(2)] == [other.id, run.id]


def test_a_killed_worker_loses_only_the_part_that_it_read(run, give, its, model):
    give(manual())

    def die(number: int) -> None:
        if number == 2:
            raise SystemExit

    model.at_text = die
    advance(run, its)
    with pytest.raises(SystemExit):
        advance(run, its)
    assert len(notes_in(log.read(run.id))) == 1
    Run.objects.filter(id=run.id).update(lease_until=timezone.now() - log.LEASE)
    notes = notes_in(finish(run, its))
    assert [each.number for each in notes] == list(range(1, notes[-1].n_parts + 1))
    assert len(model.texts) == len(notes) + 1  # the second part twice


def test_a_cancelled_run_keeps_no_part_half_done(run, give, its, model):
    give(manual())
    model.at_text = lambda number: services.cancel_run(run) if number == 2 else None
    advance(run, its)
    steps = advance(run, its)
    assert isinstance(steps[-1], Cancelled)
    assert len(notes_in(steps)) == 1
    assert len(advance(run, its)) == len(steps)
    assert len(model.texts) == 2


def test_what_the_budget_leaves_unread_is_said_at_the_end(run, give, its, monkeypatch, told):
    monkeypatch.setattr(reading, "MAX_TOKENS", 2_500)
    give(manual(), only_from_knowledge=True)
    steps = finish(run, its)
    last = notes_in(steps)[-1]
    assert last.number == last.n_parts == 2
    pages = last.place.rpartition("–")[2]
    sentence = f"These files are too long, so I read only a part of them: 0.pdf (1–{pages}/12)."
    assert steps[-1].text.endswith(f"\n\n{sentence}")
    assert "".join(event["text"] for event in told if event["type"] == "token") == steps[-1].text
    assert all(each.answer_end <= steps[-1].text.index(sentence) for each in steps[-1].support)
    assert sentence in its.engine.requests[-1].messages[-1].content


def test_the_second_person_does_not_wait_for_a_summary_again(run, give, gpt, alice, its, model):
    give(manual())
    finish(run, its)
    n_read = len(model.texts)
    other = services.start_run(services.start_conversation(alice, gpt), "What is this file about?")
    steps = finish(other, its)
    assert len(model.texts) == n_read
    assert all(each.from_cache for each in notes_in(steps))
    assert len(steps[-1].citations) == SECTIONS


def test_notes_for_a_request_of_ones_own_are_kept_for_oneself(run, give, gpt, alice, conversation, its, model):
    model.line = "FILES: 1 | every pressure"
    give(manual())
    finish(run, its)
    n_read = len(model.texts)
    finish(services.start_run(services.start_conversation(run.owner, gpt), "Every pressure?"), its)
    assert len(model.texts) == n_read
    finish(services.start_run(services.start_conversation(alice, gpt), "Every pressure?"), its)
    assert len(model.texts) == 2 * n_read


def test_files_are_compared_by_reading_both(run, give, its, model):
    model.line = "FILES: 1, 2 | how their valves differ"
    give(manual(), manual("Boiler"))
    steps = finish(run, its)
    assert {each.file_name for each in steps[-1].citations} == {"0.pdf", "1.pdf"}
    assert next(step for step in steps if isinstance(step, Retrieval)).whole_files == ("0.pdf", "1.pdf")


@pytest.mark.parametrize(
    ("message", "reads"), [("which ports does it need", False), ("Summarize everything in these files.", True)]
)
def test_many_files_are_read_only_if_code_sees_the_wish_as_well(give, gpt, bob, its, model, message, reads):
    model.line = "FILES: all | ports"
    give(manual(), manual("Boiler"), manual("Lease"))
    run = services.start_run(services.start_conversation(bob, gpt), message)
    steps = finish(run, its)
    assert bool(notes_in(steps)) == reads
    assert steps[1].query == ("ports" if reads else "ports which ports does it need")


def test_a_change_to_the_last_answer_reads_nothing_again_and_is_judged_by_its_sources(
    run, give, conversation, its, model
):
    give(manual(), only_from_knowledge=True)
    finish(run, its)
    n_read, model.line = len(model.texts), "LAST"
    model.answer = "The Pump valve V100 opens at 1 bar. The Pump valve V900 opens at 77 bar."
    for wish in ("shorter, please", "as a table"):
        steps = finish(services.start_run(conversation, wish), its)
        assert [each.level for each in steps[-1].support] == ["supported", "unsupported"]
        assert [each.page for each in steps[-1].citations] == [1]
        assert next(step for step in steps if isinstance(step, Retrieval)).reused
    assert len(model.texts) == n_read


def test_a_change_to_no_answer_is_a_search(run, give, its, model):
    model.line = "LAST"
    give(manual())
    steps = finish(run, its)
    assert [step.kind for step in steps][2] == "retrieval"
    assert not steps[2].reused


def test_a_part_that_does_not_fit_the_prompt_is_halved(run, give, its, model):
    count = its.engine.count_tokens
    its.engine.count_tokens = lambda messages, tools=(): 3 * count(messages)
    give(manual())
    notes = notes_in(finish(run, its))
    assert [each.start for each in notes] == [0, *(each.end for each in notes[:-1])]
    assert notes[-1].end == len(manual().text())


def test_a_request_on_which_the_files_say_nothing(run, give, its, model):
    give(Document(title="", blocks=tuple(Block(text=FILLER, page=n) for n in range(12))))
    steps = finish(run, its)
    assert all(each.text == "" and each.passages == () for each in notes_in(steps))
    assert "The files say nothing on this." in its.engine.requests[-1].messages[-1].content


def test_notes_go_with_their_segment_and_with_age(home, monkeypatch):
    kept = kept_notes.KeptNotes(home)
    (home / "segments" / "aa").mkdir(parents=True)
    for segment, key in (("aa", "1"), ("aa", "2"), ("bb", "3")):
        kept.put(segment, key, kept_notes.NotedPart("- One.", ((0, 9),)))
    monkeypatch.setattr(kept_notes, "MAX_KEPT", 1)
    (home / "notes" / "aa" / "1.json").write_text("damaged")
    os.utime(home / "notes" / "aa" / "1.json", (0, timezone.now().timestamp() - 60))
    assert kept.get("aa", "1") is None
    assert kept.get("aa", "2") == kept_notes.NotedPart("- One.", ((0, 9),))
    assert kept_notes.remove_unused(home) == 2
    assert [path.name for path in (home / "notes").rglob("*.json")] == ["2.json"]


def test_a_long_attached_file_is_read_like_the_gpts_own_and_labelled_as_attached(run, home, its, model):
    document = manual("Lease")
    recipe = segments.Recipe(document.text(), WordEmbedder.id, WordEmbedder.dim)
    info = segments.write(home, recipe, content_of([document], WordEmbedder()))
    file = FileRef(id="a", name="lease.pdf", segment=info.address, n_tokens=info.n_tokens)
    row = StepRow.objects.get(run=run, seq=0)
    row.data["attachments"] = [file.model_dump()]
    row.save()
    steps = finish(run, its)
    assert "1. lease.pdf (Lease manual, attached to the message)" in its.engine.requests[0].messages[-1].content
    assert sorted(each.page for each in steps[-1].citations) == list(range(1, SECTIONS + 1))
    assert steps[-1].label.written_by == ("the attached file lease.pdf",)


def test_a_part_that_takes_too_long_fails_the_run_and_what_was_read_is_kept(run, give, its, model, conversation):
    give(manual())

    class Late(ScriptedEngine):
        def stream(self, request):
            tokens = super().stream(request)
            is_second = request.messages[-1].content.startswith("Text:") and len(model.texts) == 2
            return (each for each in [Token("- The Pump", "deadline")]) if is_second else tokens

    slow = replace(its, engine=Late(model, ABILITY))
    assert finish(run, slow)[-1] == Error(message=loop.UNANSWERED)
    notes = notes_in(finish(services.start_run(conversation, "Once more."), its))
    assert [each.from_cache for each in notes] == [True, *[False] * (len(notes) - 1)]


def test_a_summary_too_general_to_cite_is_no_decline(run, give, its, model):
    model.answer = "It is a comprehensive guide to machines."
    give(manual())
    last = finish(run, its)[-1]
    assert (last.text, last.coverage, last.closest) == (model.answer, "no_knowledge", ())
