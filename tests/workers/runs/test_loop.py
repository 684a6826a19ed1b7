"""A whole turn, advanced by the real loop over the real log; only the engine and the index are stand-ins."""

import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
from django.db import connection
from django.utils import timezone

from gpts.knowledge.documents import Passage
from gpts.knowledge.terms import terms
from gpts.runs.background import Background
from gpts.runs.fixed_replies import fixed_reply
from gpts.runs.messages import PromptMessage
from gpts.runs.overrides import CallerTool, Overrides
from gpts.runs.steps import (
    ApprovalRequest,
    Cancelled,
    Error,
    FileRef,
    Finished,
    ModelReply,
    Retrieval,
    ToolResult,
    ToolStarted,
)
from gpts.safety.labels import Label
from gpts.spec.ability import ModelAbility
from gpts.spec.tools import ToolSpec
from tests.workers import advancing
from tests.workers.made_services import ROUTED, made_services
from web.accounts import quotas
from web.builder import shares
from web.builder.models import GptVersion
from web.runs import approving, log, services, stream
from web.runs.models import Run, StepRow
from workers.engine.base import EngineError
from workers.engine.scripted import CAPABLE, WEAK
from workers.knowledge.content import SegmentInfo
from workers.knowledge.errors import SegmentMissing
from workers.runs import finishing, leases, loop, searching
from workers.runs.services import Services
from workers.tools import Tool, ToolError, ToolOutput

TEXT = "The seal kit of the Zephyr-9 is ZP-771. Service the seal every 450 hours."
PASSAGE = Passage(file_id="f", file_name="manual.md", segment="s", chunk=0, text=TEXT, start=0, end=len(TEXT))
FOUND = Retrieval(query="", passages=(PASSAGE,), covered=True)
NOT_COVERED = fixed_reply("en", "not_covered")


class Index:
    """Finds what it is told to find."""

    def __init__(self, found: Retrieval | Exception) -> None:
        self.found = found
        self.queries: list[str] = []
        self.likely: list[str] = []

    length = 1_000_000  # too long for a prompt

    def n_tokens(self, refs):
        return self.length

    def infos(self, refs):
        return tuple(SegmentInfo(ref.segment, "", 1, 0, self.length) for ref in refs)

    def whole(self, refs):
        return (PASSAGE,)

    def corrected(self, refs, text):
        return text

    def search(self, refs, query, budget_tokens, likely=""):
        self.queries.append(query)
        self.likely.append(likely)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found.model_copy(update={"query": query, "n_files": len(refs)})


class Embedder:
    """Texts are as alike as the words they share, times `factor`."""

    def __init__(self, factor: float = 3.0) -> None:
        self.factor = factor

    def similarity(self, one, other):
        return [[self._alike(set(terms(a)), set(terms(b))) for b in other] for a in one]

    def letters_per_token(self, text):
        return 5.0

    def _alike(self, one: set[str], other: set[str]) -> float:
        return min(1.0, self.factor * len(one & other) / len(other | {""}))


@pytest.fixture(autouse=True)
def told(monkeypatch) -> list[dict]:
    """The events that readers would have got."""
    events: list[dict] = []
    monkeypatch.setattr(stream, "publish", lambda run_id, *new: events.extend(new))
    monkeypatch.setattr(
        stream, "partial_text", lambda run_id: "".join(e["text"] for e in events if e["type"] == "token")
    )
    return events


def scripted_services(script, found: Retrieval | Exception = FOUND, ability: ModelAbility = CAPABLE) -> Services:
    """ROUTED: a model that writes and calls no tools, whose files are searched for it."""
    return made_services(script, Index(found), Embedder(), ability)


def advance(run: Run, its_services: Services, queue: str = "model"):
    advancing.advance(run.id, queue, lambda: its_services)
    return log.read(run.id)


def give(run: Run, **fields) -> None:
    """Change the spec that the run is pinned to."""
    version = GptVersion.objects.get(id=run.version_id)
    version.data |= fields
    version.save()


def attach(run: Run, *files: FileRef) -> Run:
    """The run, asked with these files, as if a worker had read them."""
    row = StepRow.objects.get(run=run, kind="user_message")
    row.data["attachments"] = [file.model_dump() for file in files]
    row.save(update_fields=["data"])
    return run


def give_files(run: Run, **fields) -> None:
    give(run, knowledge=[{"file_id": "f", "name": "manual.md", "segment": "s"}], **fields)


def shown(events: list[dict]) -> str:
    return "".join(event["text"] for event in events if event["type"] == "token")


def test_a_plain_turn_goes_from_question_to_answer(run, told):
    steps = advance(run, scripted_services(["ZP-771 fits."]))
    assert [step.kind for step in steps] == ["user_message", "model_reply", "finished"]
    assert steps[-1].text == "ZP-771 fits."
    assert shown(told) == "ZP-771 fits."
    assert [event["type"] for event in told] == ["progress", "attempt", "token", "token", "step"]


def test_a_run_of_somebody_suspended_is_cancelled_before_anything_else_happens(run, bob):
    bob.is_active = False
    bob.save()
    assert [step.kind for step in advance(run, scripted_services(["ZP-771 fits."]))] == ["user_message", "cancelled"]


def test_a_preview_ends_before_its_next_step_once_its_person_can_no_longer_edit(gpt, bob, monkeypatch, proven):
    share = shares.share(gpt, "edit", email=bob.email)
    tried = services.start_run(services.start_conversation(bob, gpt, "preview"), "Which kit fits?")
    give_files(tried)
    perform = loop.perform
    monkeypatch.setattr(loop, "perform", lambda *given: (perform(*given), shares.unshare(gpt, share.id)))
    kinds = [step.kind for step in advance(tried, scripted_services(["ZP-771."], ability=ROUTED))]
    assert kinds == ["user_message", "message_intent", "cancelled"]


def test_files_are_searched_and_the_answer_is_cited(run):
    give_files(run)
    steps = advance(run, scripted_services(["The seal kit of the Zephyr-9 is ZP-771."], ability=ROUTED))
    kinds = ["user_message", "message_intent", "retrieval", "model_reply", "finished"]
    assert [step.kind for step in steps] == kinds
    (citation,) = steps[-1].citations
    assert (citation.file_name, citation.quote) == ("manual.md", "The seal kit of the Zephyr-9 is ZP-771.")
    assert steps[-1].coverage == "covered"


def phases(events: list[dict]) -> list[str]:
    return [event["text"] for event in events if event["type"] == "progress"]


@pytest.mark.parametrize(
    ("length", "ability", "named"),
    [
        (
            1_000_000,
            ROUTED,
            [
                "Reading your message",
                "Searching 1 file",
                "Writing the answer",
                "Checking the answer against the files",
            ],
        ),
        (20, ROUTED, ["Reading 1 file", "Writing the answer", "Checking the answer against the files"]),
        (20, WEAK, ["Reading your message", "Searching 1 file", "Checking the answer against the files"]),
    ],
)
def test_readers_are_told_what_the_gpt_is_doing(run, told, length, ability, named):
    give_files(run)
    its = made_services(["The seal kit of the Zephyr-9 is ZP-771."], Index(FOUND), Embedder(), ability)
    its.index.length = length
    advance(run, its)
    assert phases(told) == named


KEEPS = ROUTED.model_copy(update={"keeps_to_sources": True})
GOOD, MADE_UP = "Twice in 900 hours (2 × 450 = 900), with kit ZP-771.", "Order it from Grundfos for 40 euros."


def strict_turn(conversation, written, ability=KEEPS, **spec):
    run = services.start_run(conversation, "How often in 900 hours do I service it, every 450, and with what?")
    give_files(run, only_from_knowledge=True, **spec)
    return advance(run, made_services([written], Index(FOUND), Embedder(), ability))[-1]


KIT = "The seal kit of the Zephyr-9 is ZP-771."


@pytest.mark.parametrize(("ability", "good"), [(CAPABLE, KIT), (KEEPS, GOOD)])
def test_an_answer_from_the_files_alone_is_shown_as_written_and_what_they_do_not_say_is_marked(
    conversation, told, ability, good
):
    last = strict_turn(conversation, f"{good} {MADE_UP}", ability)
    assert last.text == shown(told) == f"{good} {MADE_UP}"
    marked = {last.text[each.answer_start : each.answer_end] for each in last.support if each.level == "unsupported"}
    assert marked == {MADE_UP}
    assert (last.n_withheld, last.withheld) == (0, ())


@pytest.mark.parametrize(("mode", "readable"), [("fold", (MADE_UP,)), ("withhold", ())])
def test_a_creator_may_have_such_sentences_withheld(conversation, told, mode, readable):
    last = strict_turn(conversation, f"- {GOOD}\n- {MADE_UP}\n- {KIT}", unsupported=mode)
    assert last.text == shown(told) == f"- {GOOD}\n- {KIT}"
    (citation,) = [each for each in last.citations if each.answer_start > len(GOOD)]
    assert last.text[citation.answer_start : citation.answer_end] == f"- {KIT}"
    assert (last.n_withheld, last.withheld, last.coverage) == (1, readable, "covered")


def test_what_is_shown_in_place_of_an_answer_is_no_fragment_of_it(conversation, told):
    written = f"{GOOD} {MADE_UP} {MADE_UP.replace('40', '50')} {MADE_UP.replace('40', '60')}"
    last = strict_turn(conversation, written, unsupported="fold")
    assert last.text == shown(told)
    assert last.text.startswith(NOT_COVERED)
    assert (last.n_withheld, last.coverage) == (3, "not_covered")
    assert last.closest


def test_one_cited_sentence_beside_many_that_no_file_supports_is_no_coverage(conversation):
    written = f"{GOOD} {MADE_UP} {MADE_UP.replace('40', '50')}"
    last = strict_turn(conversation, written, unsupported="mark")
    assert last.citations
    assert last.coverage == "not_covered"


@pytest.mark.parametrize("ability", [KEEPS, ROUTED])
def test_general_knowledge_is_not_covered_by_the_files(conversation, ability):
    run = services.start_run(conversation, "What is the capital of Mongolia?")
    give_files(run)
    last = advance(run, made_services(["Ulaanbaatar."], Index(FOUND), Embedder(), ability))[-1]
    assert (last.coverage, last.citations) == ("not_covered", ())


@pytest.mark.parametrize(("ability", "marked"), [(KEEPS, ["Order it"]), (ROUTED, ["Order it"])])
def test_where_a_gpt_may_answer_freely_such_a_model_s_own_words_are_not_called_unsupported(
    conversation, told, ability, marked
):
    run = services.start_run(conversation, "How often in 900 hours do I service it, every 450, and with what?")
    give_files(run)
    written = "You will need that kit on two occasions in 900 hours. Order it from Grundfos for 40 euros."
    last = advance(run, made_services([written], Index(FOUND), Embedder(), ability))[-1]
    assert last.text == shown(told) == written
    starts = [each.answer_start for each in last.support if each.level == "unsupported"]
    assert [written[start : start + 8] for start in starts] == marked


@pytest.mark.parametrize("ability", [KEEPS, ROUTED])
def test_a_model_declines_in_its_own_words_with_what_its_instructions_want(conversation, told, ability):
    run = services.start_run(conversation, "Gibt es die Pumpe auch in Blau?")
    rule = "If the files do not say something, refer to Priya in room 41."
    give_files(run, only_from_knowledge=True, instructions=rule)
    said = "I can't tell. Please write to Priya in room 41."
    script = [
        "Is there a blue pump?",
        f"[not covered] {said}",
        "And in red?",
        "The seal kit of the Zephyr-9 is ZP-771.",
    ]
    its = made_services(script, Index(FOUND), Embedder(), ability)
    steps = advance(run, its)
    assert steps[-1].text == shown(told) == said
    assert (steps[-2].declined, steps[-1].coverage, steps[-1].citations) == (True, "not_covered", ())
    later = services.start_run(conversation, "And in red?")
    give_files(later, only_from_knowledge=True)
    advance(later, its)
    read = "\n".join(message.content for message in its.engine.requests[-1].messages)
    assert ("[not covered] I can't tell." in read) is ability.keeps_to_sources


def test_what_a_program_sends_of_the_conversation_may_be_repeated(conversation, told):
    said = (
        PromptMessage(role="user", content="My Zephyr-9 ran 900 hours for Okafor."),
        PromptMessage(role="assistant", content="Oh."),
    )
    run = services.start_run(conversation, "And what now?", sent=services.Sent(earlier=said))
    give_files(run, only_from_knowledge=True)
    answer = "I'm an AI assistant, but after 900 hours for Okafor the seal is due."
    last = advance(run, made_services([answer], Index(FOUND), Embedder(), KEEPS))[-1]
    assert last.text == shown(told) == answer


def test_a_text_for_the_person_may_repeat_what_they_said(conversation, told):
    run = services.start_run(conversation, "Write a note to Ms Okafor that I am away on 3 May.")
    give_files(run, only_from_knowledge=True)
    note = "Dear Ms Okafor, I am away on 3 May. See you on 9 June at Bosch."
    last = advance(run, scripted_services([note], ability=ROUTED))[-1]
    assert last.text == shown(told) == note
    assert [note[each.answer_start :] for each in last.support if each.level == "unsupported"] == [note[36:]]
    assert (last.coverage, last.closest) == ("no_knowledge", ())


@pytest.mark.parametrize("message", ["hola, buenos días", "Wer bist du denn?"])
def test_replies_to_small_talk_are_not_compared_with_the_files(conversation, told, message):
    run = services.start_run(conversation, message)
    give_files(run, only_from_knowledge=True)
    steps = advance(run, scripted_services(["¡Hola! Soy la ayudante de las bombas. ¿En qué puedo ayudar?"]))
    assert steps[-1].text == shown(told) == "¡Hola! Soy la ayudante de las bombas. ¿En qué puedo ayudar?"


@pytest.mark.parametrize(
    ("message", "reply", "is_shown"),
    [
        ("see you tonight", "See you tonight! Have fun.", True),
        ("see you tonight", "I recommend “The Shawshank Redemption” (1994).", False),
        ("who are you", "This is the pump helper of Aldane.", True),  # as its instructions say
        ("who are you", "This is Qwen of Alibaba Cloud.", False),
    ],
)
def test_new_names_and_figures_in_small_talk_are_marked(conversation, told, message, reply, is_shown):
    run = services.start_run(conversation, message)
    give_files(run, only_from_knowledge=True, instructions="You are the pump helper of Aldane.")
    last = advance(run, scripted_services([reply], ability=ROUTED))[-1]
    assert last.text == shown(told) == reply
    assert ("unsupported" in {each.level for each in last.support}) is not is_shown


def test_who_are_you_is_answered_also_if_the_model_declines_it(conversation, told):
    run = services.start_run(conversation, "who are you")
    give_files(run, only_from_knowledge=True)
    steps = advance(run, scripted_services(["NOT COVERED"]))
    assert steps[-1].text == shown(told)
    assert steps[-1].text.startswith("I’m Pump Doctor")
    assert (steps[-1].coverage, steps[-1].citations) == ("no_knowledge", ())


@pytest.mark.parametrize(
    "written", ["[not covered]", "NOT COVERED", " Not covered.\n", "NO COVERED", "**[Not covered.]**\n"]
)
def test_the_model_declines_with_a_mark_that_nobody_sees(run, told, written):
    give_files(run, only_from_knowledge=True)
    steps = advance(run, scripted_services([written]))
    assert (steps[-2].text, steps[-2].declined) == ("", True)
    assert steps[-1].text == shown(told)
    assert steps[-1].text.startswith(NOT_COVERED)
    assert (steps[-1].coverage, steps[-1].citations) == ("not_covered", ())


@pytest.mark.parametrize(
    ("ability", "written", "likely"),
    [
        (ROUTED, "It is fine\nfor ten years.", "It is fine for ten years."),
        (ROUTED, [EngineError("busy")], ""),
        (ROUTED, ["It is", threading.Event()], "It is"),
        (WEAK, "unused", ""),
    ],
    ids=["written", "failed", "late", "weak"],
)
def test_a_search_goes_on_without_a_likely_answer(run, ability, written, likely, monkeypatch):
    monkeypatch.setattr(searching, "LIKELY_S", 0.1)
    give_files(run)

    def script(messages):
        return written if messages[0].content.startswith("You help a search engine") else "It lasts ten years."

    its = replace(made_services(script, Index(FOUND), Embedder(), ability), expands_queries=True)
    assert isinstance(advance(run, its)[-1], Finished)
    assert its.index.likely[0].startswith(likely)
    assert bool(its.index.likely[0]) == bool(likely)


@pytest.mark.parametrize("ability", [CAPABLE, WEAK])
def test_a_decline_is_in_the_language_of_the_question(conversation, told, ability):
    run = services.start_run(conversation, "Wie lange dauert die Garantie der Pumpe?")
    give_files(run, only_from_knowledge=True)
    found = FOUND if ability == CAPABLE else Retrieval(query="")
    its = made_services(["NOT COVERED"], Index(found), Embedder(), ability)
    last = advance(run, its)[-1]
    assert last.text == "Die Dateien behandeln das nicht.\n\nSie können mich zum Beispiel fragen:\n\n- It leaks."
    assert (last.text, last.coverage, last.support) == (shown(told), "not_covered", ())


@pytest.mark.parametrize("only_from_knowledge", [True, False])
def test_passages_without_a_sentence_near_the_question_quote_nothing(conversation, only_from_knowledge):
    run = services.start_run(conversation, "Does it come in blue?")
    give_files(run, only_from_knowledge=only_from_knowledge)
    its = made_services(["I do not know."], Index(FOUND), Embedder(factor=0.0), WEAK)
    last = advance(run, its)[-1]
    assert last.coverage == "not_covered"
    assert last.citations == ()
    assert its.engine.requests == [] or not only_from_knowledge


def test_nothing_is_added_to_an_answer_that_the_model_wrote(run, told):
    give_files(run)
    steps = advance(run, scripted_services(["Hard to say."]))
    assert steps[-1].text == shown(told) == "Hard to say."
    assert steps[-1].citations == ()


def test_a_small_models_hall_answers_in_the_files_own_words(conversation, told):
    run = services.start_run(conversation, "Service seal of the Zephyr-9?")
    give_files(run)
    its = made_services(["unused"], Index(FOUND), Embedder(), WEAK)
    steps = advance(run, its)
    assert its.engine.requests == []
    assert steps[-1].text == shown(told) == steps[2].extract
    assert [citation.quote for citation in steps[-1].citations] == [
        "The seal kit of the Zephyr-9 is ZP-771.",
        "Service the seal every 450 hours.",
    ]


def test_a_question_beyond_the_files_is_declined_without_the_model(run, told):
    give_files(run, only_from_knowledge=True)
    its = made_services(["unused"], Index(Retrieval(query="")), Embedder(), WEAK)
    steps = advance(run, its)
    assert steps[-1].text.startswith(NOT_COVERED)
    assert steps[-1].coverage == "not_covered"
    assert its.engine.requests == []
    assert shown(told) == steps[-1].text


ALONE = "How often must the seal of the Zephyr-9 be serviced?"


@pytest.mark.parametrize(
    ("written", "searched"),
    [(ALONE, f"{ALONE} And how often?"), ("", "And how often? seal fits Z-9 kit Zephyr-9 ZP-771")],
)
def test_a_follow_up_is_searched_as_the_model_writes_it_and_sees_the_first_turn(run, conversation, written, searched):
    give_files(run)
    its = scripted_services(
        ["Which seal fits?", "The seal kit of the Zephyr-9 is ZP-771.", written, "Every 450 hours."], ability=ROUTED
    )
    advance(run, its)
    follow_up = services.start_run(conversation, "And how often?")
    advance(follow_up, its)
    assert its.index.queries[-1] == searched
    _, first, _, second = (request.messages for request in its.engine.requests)
    assert second[: len(first)] == first


def test_files_that_fit_are_in_the_prompt_whole(run, conversation):
    give_files(run, only_from_knowledge=True)
    its = scripted_services(["The seal kit is ZP-771. Helmets cost 12 euros.", "Every 450 hours."])
    its.index.length = 20
    steps = advance(run, its)
    assert (its.index.queries, steps[1].whole_files, steps[1].passages) == ([], ("manual.md",), ())
    assert [each.level for each in steps[-1].support] == ["supported", "unsupported"]
    assert [(each.quote, each.start) for each in steps[-1].citations] == [
        ("The seal kit of the Zephyr-9 is ZP-771.", 0)
    ]
    assert steps[-1].label.is_untrusted
    advance(services.start_run(conversation, "And how often?"), its)
    first, second = (request.messages for request in its.engine.requests)
    assert f'<file name="manual.md">\n{TEXT}\n</file>' in first[0].content
    assert second[: len(first)] == first


def test_a_weak_model_gets_no_whole_files(run):
    give_files(run)
    its = made_services(["unused"], Index(FOUND), Embedder(), WEAK)
    its.index.length = 20
    assert advance(run, its)[2].whole_files == ()


LEASE = FileRef(id="a", name="lease.pdf", segment="l", n_tokens=20)
IN_LEASE = PASSAGE.model_copy(update={"file_id": "a", "file_name": "lease.pdf", "segment": "l"})


class Files(Index):
    """Has the text of the manual under every name."""

    length = 20

    text = TEXT

    def whole(self, refs):
        named = ({"file_id": ref.file_id, "file_name": ref.name, "segment": ref.segment} for ref in refs)
        return tuple(PASSAGE.model_copy(update=each | {"text": self.text}) for each in named)


def test_an_attached_file_is_read_in_its_message_cited_and_only_appended_to(run, conversation):
    give(run, only_from_knowledge=True)
    its = made_services(
        ["The seal kit is ZP-771. Helmets cost 12 euros.", "Every 450 hours."], Files(FOUND), Embedder()
    )
    last = advance(attach(run, LEASE), its)[-1]
    assert [each.level for each in last.support] == ["supported", "unsupported"]
    assert [(each.file_id, each.segment) for each in last.citations] == [("a", "l")]
    assert (last.label.written_by, last.label.private) == (("the attached file lease.pdf",), ("knowledge",))
    later = advance(services.start_run(conversation, "And how often?"), its)
    assert (its.index.queries, later[1].summary()) == ([], "Read lease.pdf")
    first, second = (request.messages for request in its.engine.requests)
    (today,) = Background(today=timezone.localdate()).texts(with_today=True)
    assert first[1].content.startswith(f'{today}\n\n<file name="lease.pdf">')
    assert second[: len(first)] == first
    assert advance(services.regenerate(conversation.messages.last()), its)[1].whole_files == ("lease.pdf",)


@pytest.mark.parametrize("knows", [True, False])
def test_a_later_answer_is_judged_by_attached_files_only_if_the_gpt_has_files_or_it_cites_them(
    run, conversation, knows
):
    if knows:
        give_files(run)
    its = made_services(["The seal kit is ZP-771.", "Paris is the capital of France."], Files(FOUND), Embedder())
    assert advance(attach(run, LEASE), its)[-1].coverage == "covered"
    last = advance(services.start_run(conversation, "What is the capital of France?"), its)[-1]
    assert (last.coverage, len(last.support)) == (("not_covered", 1) if knows else ("no_knowledge", 0))


def test_a_weak_model_quotes_an_attached_file(run):
    found = Retrieval(query="", passages=(IN_LEASE,), covered=True, n_files=1)
    steps = advance(attach(run, LEASE), made_services(["unused"], Files(found), Embedder(), WEAK))
    assert [(each.file_id, each.quote) for each in steps[-1].sources] == [
        ("a", "The seal kit of the Zephyr-9 is ZP-771."),
        ("a", "Service the seal every 450 hours."),
    ]
    assert steps[-1].label.written_by == ("the attached file lease.pdf",)


def test_a_long_attached_file_is_searched_before_the_gpts_own(run):
    give_files(run)
    its = made_services(["ZP-771."], Index(FOUND), Embedder(), ROUTED)
    its.index.length = 20_000
    steps = advance(attach(run, LEASE.model_copy(update={"n_tokens": 20_000})), its)
    assert (len(its.index.queries), steps[2].n_files, steps[2].whole_files) == (2, 2, ())


def test_many_attached_files_leave_the_prompt_and_are_searched(run, conversation):
    its = made_services(["ZP-771."], Files(FOUND), Embedder(), ROUTED)
    its.index.text = "seal " * 1_200
    for number in range(12):
        file = FileRef(id=f"{number}", name=f"{number}.txt", segment=f"{number}", n_tokens=1_200)
        turn = run if number == 0 else services.start_run(conversation, "Which seal now?")
        steps = advance(attach(turn, file), its)
        assert isinstance(steps[-1], Finished)
    assert (steps[2].whole_files, steps[2].n_files) == (("10.txt", "11.txt"), 10)


def test_an_attached_file_that_is_lost_is_told_by_name(run):
    class Lost(Files):
        def n_tokens(self, refs):
            raise SegmentMissing

    steps = advance(attach(run, LEASE), made_services(["unused"], Lost(FOUND), Embedder()))
    assert steps[-1] == Error(message="“lease.pdf” can no longer be read. Attach it again, or start a new chat.")


WARRANTY = "The warranty of the pump lasts ten years."


@pytest.mark.parametrize(
    ("question", "level"),
    [
        ("Is it true that the warranty of the pump lasts ten years?", "unsupported"),
        (f"{WARRANTY} I asked them. Am I right?", "conversation"),
    ],
)
def test_what_the_person_stated_is_from_the_conversation_and_what_they_suppose_is_not(alice, gpt, question, level):
    run = services.start_run(services.start_conversation(alice, gpt), question)
    give_files(run, only_from_knowledge=True)
    its = scripted_services([WARRANTY])
    its.index.length = 20
    assert [each.level for each in advance(run, its)[-1].support] == [level]


def test_an_answer_that_no_file_supports_is_not_covered(run):
    give_files(run)
    its = scripted_services(["The warranty lasts for seven years."])
    its.index.length = 20
    assert advance(run, its)[-1].coverage == "not_covered"


OTHER = "Parking is free on Sundays."


@pytest.mark.parametrize("length", [1_000_000, 20])  # searched, and whole in the prompt
def test_a_declined_question_offers_the_closest_passages_beside_the_answer(run, length):
    give_files(run)
    its = scripted_services(["The files say nothing on how long it lasts."], ability=ROUTED)
    its.index.length = length
    last = advance(run, its)[-1]
    assert last.text == "The files say nothing on how long it lasts."
    assert (last.citations, last.coverage, last.sources) == ((), "not_covered", last.closest)
    assert last.closest[0].quote == "The seal kit of the Zephyr-9 is ZP-771."
    assert {(each.answer_start, each.answer_end) for each in last.closest} == {(0, 0)}


def test_a_decline_offers_nothing_that_is_far_from_the_question(run):
    give_files(run, only_from_knowledge=True)
    far = PASSAGE.model_copy(update={"text": OTHER, "end": len(OTHER)})
    its = scripted_services(["It lasts ten years."], Retrieval(query="", passages=(far,), covered=True))
    last = advance(run, its)[-1]
    assert (last.coverage, last.closest) == ("not_covered", ())


def test_an_answer_from_the_files_offers_no_closest_passages(run):
    give_files(run)
    assert advance(run, scripted_services(["The seal kit of the Zephyr-9 is ZP-771."]))[-1].closest == ()


def test_a_damaged_segment_is_told_by_name(run):
    give_files(run)
    steps = advance(run, scripted_services(["unused"], SegmentMissing("manual.md: upload it again."), ability=ROUTED))
    assert steps[-1] == Error(message="manual.md: upload it again.")


@pytest.mark.parametrize("error", [EngineError("gone"), RuntimeError("a bug")])
def test_a_failing_model_ends_the_run_with_a_sentence(run, error):
    steps = advance(run, scripted_services([["ZP-", error]]))
    assert isinstance(steps[-1], Error)
    assert "Try again" in steps[-1].message
    assert "gone" not in steps[-1].message
    run.refresh_from_db()
    assert (run.status, run.lease) == ("failed", "")


def test_a_message_too_long_for_the_model_says_so(run):
    give(run, instructions="word " * 300)
    its = made_services(["unused"], Index(FOUND), Embedder(), CAPABLE.model_copy(update={"context_tokens": 600}))
    give(run, model={"max_tokens": 400})
    assert "too long" in advance(run, its)[-1].message


def test_old_turns_make_room_for_new_ones(run, conversation):
    give(run, model={"max_tokens": 20})
    its = made_services(
        ["five words in this answer"],
        Index(FOUND),
        Embedder(),
        CAPABLE.model_copy(update={"context_tokens": 120}),
    )
    advance(run, its)
    for n in range(12):
        steps = advance(services.start_run(conversation, f"Question number {n}?"), its)
        assert isinstance(steps[-1], Finished)
    assert len(its.engine.requests[-1].messages) < 25


def test_a_run_that_kills_its_workers_is_given_up(run):
    Run.objects.filter(id=run.id).update(n_attempts=loop.MAX_ATTEMPTS)
    assert isinstance(advance(run, scripted_services(["unused"]))[-1], Error)


def test_advancing_a_run_that_is_over_or_taken_changes_nothing(run):
    its = scripted_services(["ZP-771."])
    before = advance(run, its)
    assert advance(run, its) == before
    assert len(its.engine.requests) == 1


@pytest.mark.django_db(transaction=True)
def test_a_stopped_run_frees_the_model_and_keeps_what_was_shown(run, told, monkeypatch):
    monkeypatch.setattr(leases, "TICK_S", 0.05)
    hold = threading.Event()
    its = scripted_services([["ZP-771 ", hold, *["and more "] * 50]])

    def work() -> None:
        advancing.advance(run.id, "model", lambda: its)
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    while "ZP-771" not in shown(told):
        assert worker.is_alive()
    assert services.cancel_run(run)
    (held,) = leases._held
    assert held.lost.wait(10)
    hold.set()
    worker.join(10)
    assert its.engine.active == 0
    assert log.read(run.id)[-1] == Cancelled(text="ZP-771")


class TestTools:
    """Calls, approvals and effects; the tools are registered by the test."""

    @pytest.fixture(autouse=True)
    def tools(self, run, monkeypatch, settings):
        self.ran: list[dict] = []
        self.toolbox = {"stock": self.tool("stock", "read"), "reserve": self.tool("reserve", "write")}
        monkeypatch.setattr(loop, "granted", lambda spec, _: self.toolbox)

    def tool(self, name: str, effect: str) -> Tool:
        spec = ToolSpec(name=name, description=name, parameters={}, effect=effect)
        return Tool(spec, self.perform)

    def perform(self, arguments: dict, context) -> ToolOutput:
        self.ran.append(arguments)
        if arguments.get("part") == "missing":
            raise ToolError("There is no such part.")
        return ToolOutput("3 left", untrusted=False)

    def test_a_call_goes_to_the_tools_queue_and_back(self, run, sent_tasks, django_capture_on_commit_callbacks):
        its = scripted_services(
            ['<tool_call>{"name": "stock", "arguments": {"part": "ZP-771"}}</tool_call>', "Three."]
        )
        with django_capture_on_commit_callbacks(execute=True):
            advance(run, its)
        assert sent_tasks[-1] == ("workers.tasks.advance", str(run.id), "tools")
        with django_capture_on_commit_callbacks(execute=True):
            advancing.advance(run.id, "tools", lambda: pytest.fail("a tools worker opens no model"))
        assert sent_tasks[-1] == ("workers.tasks.advance", str(run.id), "model")
        steps = advance(run, its)
        assert self.ran == [{"part": "ZP-771"}]
        assert (steps[2].call_id, steps[2].text, steps[2].ok) == ("call_0", "3 left", True)
        assert steps[-1].text == "Three."

    @pytest.mark.django_db(transaction=True)  # tools run in threads
    def test_a_call_knows_how_many_sandboxes_its_person_may_use(self, run):
        quotas.set_limit("sandbox_sessions", 7, run.owner)
        spec = self.toolbox["stock"].spec
        self.toolbox["stock"] = Tool(spec, lambda _, context: ToolOutput(f"{context.n_sessions} left"))
        advance(run, scripted_services(['<tool_call>{"name": "stock", "arguments": {}}</tool_call>']))
        assert advance(run, scripted_services([]), "tools")[2].text == "7 left"

    @pytest.mark.django_db(transaction=True)  # tools run in threads
    def test_a_long_result_is_kept_whole_as_a_file_with_its_label(self, run):
        rows = "\n".join(["part,left", *(f"ZP-{n},{n}" for n in range(50_000))])
        spec = self.toolbox["stock"].spec
        output = ToolOutput(
            rows, untrusted=True, written_by=("the answer of shop.example",), private=("action:shop",)
        )
        self.toolbox["stock"] = Tool(spec, lambda *_: output)
        advance(run, scripted_services(['<tool_call>{"name": "stock", "arguments": {}}</tool_call>']))
        result = advance(run, scripted_services([]), "tools")[2]
        assert f"{len(rows):,} characters, rows 1-" in result.text
        assert "of 50,000 shown" in result.text
        (kept,) = run.files.all()
        assert (kept.name, kept.path.read_text()) == (result.files[0].name, rows)
        assert kept.name in result.text
        assert kept.untrusted
        assert Label.model_validate(kept.label) == result.label
        assert result.label.private == ("action:shop",)
        assert len(result.text) == pytest.approx(CAPABLE.context_tokens * 3 // 8, abs=300)
        its = scripted_services(["There are 50,000 rows."])
        advance(run, its)
        assert "read_more" in {tool.name for tool in its.engine.requests[-1].tools}

    def test_a_failed_call_is_told_to_the_model(self, run):
        its = scripted_services(
            ['<tool_call>{"name": "stock", "arguments": {"part": "missing"}}</tool_call>', "None."]
        )
        advance(run, its)
        steps = advance(run, its, "tools")
        assert (steps[2].text, steps[2].ok) == ("There is no such part.", False)

    def test_an_effect_waits_for_its_person_and_then_happens_once(self, run):
        its = scripted_services(
            ['<tool_call>{"name": "reserve", "arguments": {"part": "ZP-771"}}</tool_call>', "Reserved."]
        )
        steps = advance(run, its)
        assert isinstance(steps[-1], ApprovalRequest)
        run.refresh_from_db()
        assert (run.status, run.lease, self.ran) == ("requires_action", "", [])
        approving.answer_approval(run, "call_0", True)
        advance(run, its, "tools")
        steps = advance(run, its)
        assert len(self.ran) == 1
        assert [step.kind for step in steps[3:]] == [
            "approval",
            "tool_started",
            "tool_result",
            "model_reply",
            "finished",
        ]

    def test_a_declined_effect_does_not_happen(self, run):
        its = scripted_services(['<tool_call>{"name": "reserve", "arguments": {}}</tool_call>', "Fine."])
        advance(run, its)
        approving.answer_approval(run, "call_0", False)
        assert advance(run, its)[-1].text == "Fine."
        assert self.ran == []

    def test_an_interrupted_effect_is_reported_not_repeated(self, run):
        its = scripted_services(['<tool_call>{"name": "reserve", "arguments": {}}</tool_call>', "Unclear."])
        advance(run, its)
        approving.answer_approval(run, "call_0", True)
        log.append(run.id, ToolStarted(call_id="call_0", name="reserve"))  # and then its worker died
        steps = advance(run, its)
        assert self.ran == []
        assert next(step for step in steps if isinstance(step, ToolResult)).text.startswith("Interrupted")

    def test_an_unknown_tool_is_rejected(self, run):
        its = scripted_services(['<tool_call>{"name": "rm_rf", "arguments": {}}</tool_call>', "No."])
        steps = advance(run, its)
        assert [step.kind for step in steps[1:]] == ["model_reply", "tool_result", "model_reply", "finished"]


def test_the_reply_counts_its_tokens(run):
    reply = next(step for step in advance(run, scripted_services(["one two three"])) if isinstance(step, ModelReply))
    assert reply.completion_tokens == 3
    assert reply.prompt_tokens > 10


def test_many_rounds_of_tools_are_not_taken_for_dying_workers(run, monkeypatch, settings):
    stock = ToolSpec(name="stock", description="", parameters={})
    monkeypatch.setattr(loop, "granted", lambda spec, _: {"stock": Tool(stock, lambda *_: ToolOutput("3 left"))})
    rounds = loop.MAX_ATTEMPTS - 1
    calls = [f'<tool_call>{{"name": "stock", "arguments": {{"part": {n}}}}}</tool_call>' for n in range(rounds)]
    its = scripted_services([*calls, "Three."])
    for _ in range(rounds):
        advance(run, its)
        advance(run, its, "tools")
    assert advance(run, its)[-1].text == "Three."


def test_what_the_instructions_ask_to_print_is_printed(run, told):
    heading, footer = (
        "## Answer of the workshop's own pump desk in Rotterdam",
        ("This answer was written by a machine; ask the workshop on extension 77 before you open a pump."),
    )
    give(run, instructions=f"Begin every answer with the heading below.\n{heading}\nEnd it with this line.\n{footer}")
    answer = f"{heading}\n\nZP-771 fits.\n\n{footer}"
    assert advance(run, scripted_services([answer]))[-1].text == answer
    assert shown(told) == answer


def test_repeated_lines_of_a_capable_model_are_kept(run):
    containers = "".join(f"      - name: part-{n}\n        imagePullPolicy: IfNotPresent\n" for n in range(8))
    manifest = f"```yaml\nspec:\n    containers:\n{containers}```"
    assert advance(run, scripted_services([manifest]))[-1].text == manifest


CALLERS = (
    CallerTool(name="reserve", parameters={"type": "object", "properties": {"part": {"type": "string"}}}),
    CallerTool(name="release", parameters={"type": "object", "properties": {"part": {"type": "string"}}}),
)
RELEASE = '<tool_call>{"name": "release", "arguments": {"part": "ZP-771"}}</tool_call>'


@pytest.mark.parametrize(("choice", "allowed"), [("required", ["reserve", "release"]), ("release", ["release"])])
def test_a_demanded_call_is_the_capable_models_under_a_grammar_of_the_callers_functions(
    alice, gpt, monkeypatch, choice, allowed
):
    stock = ToolSpec(name="stock", description="", parameters={})
    monkeypatch.setattr(
        loop, "granted", lambda spec, _: {"stock": Tool(stock, lambda *_: pytest.fail("not asked for"))}
    )
    conversation = services.start_conversation(alice, gpt)
    overrides = Overrides(tools=CALLERS, tool_choice=choice)
    run = services.start_run(conversation, "Let go of ZP-771.", sent=services.Sent(overrides=overrides))
    its = scripted_services([RELEASE])
    last = advance(run, its)[-1]
    grammar = its.engine.requests[0].grammar
    assert ([tool.name for tool in grammar.tools], grammar.required) == (allowed, True)
    assert [(call.name, call.arguments) for call in last.tool_calls] == [("release", {"part": "ZP-771"})]


PRINTED = '{"name": "stock", "arguments": {"part": "ZP-771"}}'


def test_a_model_that_only_repeats_its_call_shows_its_result_and_never_the_call(run, told, monkeypatch):
    stock = ToolSpec(name="stock", description="", parameters={"type": "object"})
    tool = Tool(stock, lambda *_: ToolOutput("3 left", shown="**3** left."))
    monkeypatch.setattr(loop, "granted", lambda spec, _: {"stock": tool})
    call = f"<tool_call>{PRINTED}</tool_call>"
    its = scripted_services([call, call, PRINTED])
    advance(run, its)
    advance(run, its, "tools")
    assert advance(run, its)[-1].text == "**3** left."
    assert shown(told) == "**3** left."
    assert its.engine.requests[2].tools == ()


@pytest.mark.parametrize("is_loaded", [True, False])
def test_a_reader_is_told_that_the_model_is_loading(run, told, monkeypatch, is_loaded):
    monkeypatch.setattr(stream, "is_model_loaded", lambda: is_loaded)
    advance(run, scripted_services(["Hello."]))
    assert (loop.LOADING in [event.get("text") for event in told]) != is_loaded


@pytest.mark.parametrize("only", [True, False])
@pytest.mark.parametrize(
    ("answer", "levels"),
    [
        ("1. yes: Service the seal every 450", ["supported", "supported"]),
        ("1. yes: Never service it", ["supported"]),  # nothing of the files that could be shown
        ("1. no", ["supported", "unsupported"]),
        ("hm", ["supported"]),
    ],
)
def test_a_model_that_verifies_is_asked_about_sentences_that_rules_cannot_decide(conversation, answer, levels, only):
    known = "You will need that kit now and then."
    run = services.start_run(conversation, "Which kit?")
    give_files(run, only_from_knowledge=only)
    judges = KEEPS.model_copy(update={"verifies": True})
    its = made_services([f"{KIT} {known}", answer], Index(FOUND), Embedder(), judges)
    its.index.length = 20
    assert [each.level for each in advance(run, its)[-1].support] == levels
    assert known in its.engine.requests[-1].messages[-1].content


def test_a_weak_model_that_is_unsure_offers_what_it_would_have_quoted(monkeypatch):
    found = FOUND.model_copy(update={"covered": False, "extract": "Service the seal every 450 hours."})
    monkeypatch.setattr(finishing, "_found", lambda state, services: found)
    offered = finishing._closest(SimpleNamespace(files=lambda: (PASSAGE,)), None)
    assert [(each.quote, each.answer_start, each.answer_end) for each in offered] == [(found.extract, 0, 0)]
