"""Replies of a model that cannot write: to small talk, about the GPT, to wishes, and outlines of whole files."""

import pytest

from gpts.knowledge.documents import Citation, Passage
from gpts.runs.background import Background
from gpts.runs.state import TurnState
from gpts.runs.steps import FileRef, Finished, UserMessage
from gpts.spec.gpt import GptSpec, KnowledgeRef
from gpts.spec.tools import ToolSpec
from workers.engine.scripted import WEAK
from workers.smallmodel.conversation import outlines
from workers.smallmodel.conversation.classifier import MessageClassifier
from workers.smallmodel.conversation.outlines import is_listing, outlined
from workers.smallmodel.conversation.replies import message_intent

MANUAL = KnowledgeRef(file_id="m", name="manual.md", segment="m")
PUMPS = GptSpec(
    slug="pumps",
    name="Pumps",
    description="Answers questions about pumps.",
    starters=("Which seal fits?", "How often?"),
    knowledge=(MANUAL,),
)
EDITOR = GptSpec(slug="editor", name="Editor")
TEXT = "Seals\n\nThe seal kit is ZP-771. It is serviced every 450 hours.\n\nFilter\n\nChange the filter twice a year."
FILE = Passage(
    file_id="m",
    file_name="manual.md",
    segment="m",
    chunk=0,
    text=TEXT,
    start=0,
    end=len(TEXT),
    heading="Seals",
    heading_breaks=((TEXT.index("Filter"), "Filter"),),
)


def intent(text: str, spec: GptSpec = PUMPS, history=()):
    return message_intent(TurnState(spec, WEAK, (UserMessage(text=text),), history, {}), MessageClassifier())


def test_a_greeting_introduces_the_gpt_once():
    greeted = intent("hello").answer
    assert greeted == "Hello! I’m Pumps. How can I help?\n\nYou could ask me:\n\n- Which seal fits?\n- How often?"
    earlier = ((UserMessage(text="Which seal?"), Finished(text="ZP-771.")),)
    assert intent("hello", history=earlier).answer == "Hello! I’m Pumps. How can I help?"


def test_there_is_nothing_to_acknowledge_before_anything_was_said():
    for text in ("helo", "ok"):
        first = intent(text)
        assert (first.answer or first.note).startswith("Hello! I’m Pumps.")
    later = intent("ok", history=((UserMessage(text="Which seal?"), Finished(text="ZP-771.")),))
    assert (later.answer or later.note) == "All right. Ask me anything else you’d like to know."


def test_it_says_what_it_is_in_the_language_of_the_question():
    assert intent("Wer bist du?").answer.startswith(
        "Ich bin Pumps: Answers questions about pumps.\n\nIch antworte aus"
    )
    assert "manual.md" in intent("what can you do?").answer


def test_its_own_starter_is_a_question_to_its_files_even_if_it_is_about_what_can_be_added():
    guide = PUMPS.model_copy(update={"starters": ("what can you do?",)})
    assert intent("what can you do?", guide).intent == "question"
    assert intent("what can you do?", guide.model_copy(update={"knowledge": ()})).intent == "about_gpt"


def test_what_it_cannot_write_is_said():
    assert intent("translate it into German").answer.startswith("I can’t write, shorten or translate texts")
    assert "files" not in intent("translate it into German", EDITOR).answer


def test_a_text_about_a_subject_is_searched():
    wish = intent("Write an e-mail to a client on the seal kit")
    assert (wish.answer, wish.query) == ("", "seal kit")
    assert wish.lead.endswith("Here is what the files say on this:")


def test_a_question_without_files_is_declined():
    assert intent("What is 17 times 23?", EDITOR).note.startswith("I can’t answer that")


@pytest.mark.parametrize("text", ["Summarise the manual", "What is this file about?", "summary of all chapters"])
def test_an_outline_has_the_sentences_of_each_section(text):
    steps = (UserMessage(text=text), intent(text))
    found = outlined(TurnState(PUMPS, WEAK, steps, (), {}), (FILE,), None)
    seals = "- **Seals**: The seal kit is ZP-771. It is serviced every 450 hours."
    assert found.extract == f"{seals}\n- **Filter**: Change the filter twice a year."
    assert [TEXT[each.start : each.end] for each in found.passages] == [each.text for each in found.passages]
    assert found.covered
    assert "outline of manual.md" in steps[1].lead


def test_an_outline_of_a_long_file_has_the_first_sentences(monkeypatch):
    monkeypatch.setattr(outlines, "OUTLINE_CHARS", 60)
    steps = (UserMessage(text="Summarise the manual"), intent("Summarise the manual"))
    found = outlined(TurnState(PUMPS, WEAK, steps, (), {}), (FILE,), None)
    assert found.extract == "- **Seals**: The seal kit is ZP-771.\n- **Filter**: Change the filter twice a year."


def test_a_section_is_listed_by_its_name():
    steps = (UserMessage(text="List all seals"), intent("List all seals"))
    found = outlined(TurnState(PUMPS, WEAK, steps, (), {}), (FILE,), None)
    assert found.extract == "- The seal kit is ZP-771.\n- It is serviced every 450 hours."


def test_a_numbered_heading_is_no_date():
    text = "5. General meeting\n\nThe members meet on 7 May."
    file = FILE.model_copy(
        update={"text": text, "end": len(text), "heading": "5. General meeting", "heading_breaks": ()}
    )
    steps = (UserMessage(text="List all dates"), intent("List all dates"))
    assert outlined(TurnState(PUMPS, WEAK, steps, (), {}), (file,), None).extract == "- The members meet on 7 May."


def test_a_remark_is_answered_only_if_the_files_say_nothing_on_it():
    remark = intent("I am so bored today")
    assert (remark.intent, remark.answer) == ("small_talk", "")
    assert remark.note.startswith("I’d like to chat")
    assert intent("hello").answer


def test_what_is_to_be_listed_is_picked_from_the_whole_file():
    text = "List everything on the filter"
    assert is_listing(text)
    steps = (UserMessage(text=text), intent(text))
    assert (
        outlined(TurnState(PUMPS, WEAK, steps, (), {}), (FILE,), None).extract == "- Change the filter twice a year."
    )


def test_sentences_of_very_long_files_are_not_compared_one_by_one():
    text = "\n\n".join(f"The pump of row {n} is blue and stands by the wall." for n in range(3_000))
    file = FILE.model_copy(update={"text": text, "end": len(text), "heading": "Rows", "heading_breaks": ()})
    steps = (UserMessage(text="List everything on colours"), intent("List everything on colours"))
    found = outlined(TurnState(PUMPS, WEAK, steps, (), {}), (file,), lambda one, other: pytest.fail("compared"))
    assert len(found.passages) == 40


LEASE, PRICES = (FileRef(id=name, name=name, segment=name, n_tokens=9) for name in ("lease.pdf", "price-list.md"))
ATTACHED = (UserMessage(text="How much is it?", attachments=(LEASE,)), Finished(text="900 euros."))


def with_files(text: str, *files: FileRef, spec: GptSpec = EDITOR, history=()):
    return message_intent(
        TurnState(spec, WEAK, (UserMessage(text=text, attachments=files),), history, {}), MessageClassifier()
    )


@pytest.mark.parametrize(
    "text", ["", "here", "hello!", "Here is the new contract", "Anbei der Vertrag", "what is this?"]
)
@pytest.mark.parametrize("spec", [EDITOR, PUMPS])
def test_a_file_that_is_handed_over_is_outlined(text, spec):
    found = with_files(text, LEASE, spec=spec)
    assert (found.intent, found.file_ids) == ("whole_files", ("lease.pdf",))
    assert "lease.pdf" in found.lead


@pytest.mark.parametrize(
    ("text", "new", "meant"),
    [
        ("summarise this", (PRICES,), {"price-list.md"}),
        ("what is this file about?", (), {"lease.pdf"}),
        ("compare both files", (PRICES,), {"lease.pdf", "price-list.md"}),
        ("summarise the manual", (), {"m"}),
        ("what is in the second file?", (PRICES,), {"price-list.md"}),
    ],
)
def test_files_are_meant_by_what_was_attached_last_or_by_name(text, new, meant):
    found = with_files(text, *new, spec=PUMPS, history=(ATTACHED,))
    assert (found.intent, set(found.file_ids)) == ("whole_files", meant)


def test_an_answer_from_the_files_of_the_gpt_ends_the_reach_of_an_attached_file():
    quote = Citation(
        tag=1, file_id="m", file_name="", segment="m", chunk=0, quote="", start=0, end=1, answer_start=0, answer_end=1
    )
    manual = (UserMessage(text="Summarise the manual"), Finished(text="Seals", citations=(quote,)))
    assert with_files("list all deadlines", spec=PUMPS, history=(ATTACHED,)).file_ids == ("lease.pdf",)
    assert with_files("list all deadlines", spec=PUMPS, history=(ATTACHED, manual)).file_ids == ("lease.pdf", "m")


@pytest.mark.parametrize(
    ("text", "query", "meant"),
    [
        ("How often is it serviced?", "", ("price-list.md",)),
        ("What does the lease say about pets?", "pets", ("lease.pdf",)),
        ("How long does the lease run?", "How long does the run?", ("lease.pdf",)),
    ],
)
def test_questions_are_put_to_the_file_of_the_message_or_the_one_named(text, query, meant):
    found = with_files(text, PRICES, spec=PUMPS, history=(ATTACHED,))
    assert (found.intent, found.query, found.file_ids) == ("question", query, meant)


def test_the_second_file_is_no_subject():
    found = with_files("translate the second one to German", history=(ATTACHED,))
    assert found.answer.endswith("and I’ll quote them.")


def test_what_can_neither_be_read_nor_opened_is_not_described():
    photo = FileRef(id="p", name="photo.raw")
    assert with_files("What does this show?", photo).answer.startswith("I can’t read photo.raw")
    message = UserMessage(text="What does this show?", attachments=(photo,))
    tools = {"see": ToolSpec(name="see", description="", parameters={})}
    found = message_intent(TurnState(PUMPS, WEAK, (message,), (), tools), MessageClassifier())
    assert (found.answer, found.note[:12]) == ("", "I can’t read")


def of_memory(text: str, *remembered: str, may_remember: bool = True):
    first = UserMessage(text=text, background=Background(remembered=remembered, may_remember=may_remember))
    return message_intent(TurnState(PUMPS, WEAK, (first,), (), {}), MessageClassifier()).answer


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("so what do you know about me", "This is what I remember about you:\n\n- I teach."),
        ("¿Qué sabes de mí?", "Esto es lo que recuerdo de ti:\n\n- I teach."),
    ],
)
def test_what_it_remembers_is_listed(text, begins):
    assert of_memory(text, "I teach.").startswith(begins)
    assert not of_memory(text, may_remember=False).startswith(begins[:12])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("remember that I like metric units", "I can’t remember things"),
        ("Merk dir bitte, dass ich vegetarisch esse.", "Ich kann mir nichts"),
    ],
)
def test_a_gpt_without_a_memory_says_that_it_has_none(text, says):
    assert of_memory(text, may_remember=False).startswith(says)
    assert not of_memory(text).startswith(says)
    assert not of_memory(f"{text.rstrip('.')}?", may_remember=False).startswith(says)


@pytest.mark.parametrize("text", ["How do I remember words?", "Remember the milk", "I can’t recall the seal"])
def test_other_messages_are_not_about_its_memory(text):
    assert "memory" not in of_memory(text).casefold()
