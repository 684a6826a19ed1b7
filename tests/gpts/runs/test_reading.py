"""What is read of long files within a budget, and how notes and gaps are worded."""

from gpts.knowledge.documents import Passage
from gpts.knowledge.sections import FilePart
from gpts.runs.reading import (
    MAX_PARTS,
    ReadFile,
    ReadingBudget,
    notes_text,
    notes_tokens,
    read_notes,
    reading_budget,
    unread,
    within,
)
from gpts.runs.state import TurnState, room
from gpts.runs.steps import PartNotes
from gpts.spec.ability import ModelAbility
from gpts.spec.gpt import GptSpec, ModelSettings

SPEC = GptSpec(slug="p", name="P", instructions="x" * 3_000, model=ModelSettings(max_tokens=1_000))


def parts(n: int, n_tokens: int = 100) -> tuple[FilePart, ...]:
    return tuple(FilePart(start, start + 400, n_tokens) for start in range(0, 400 * n, 400))


def test_all_is_read_where_the_budget_allows():
    files = (parts(3), parts(1))
    assert within(files, ReadingBudget(100, 400)) == files


def test_a_budget_is_shared_by_the_files_from_their_beginnings():
    read = within((parts(9), parts(2), parts(9)), ReadingBudget(100, 700))
    assert [len(each) for each in read] == [3, 2, 2]
    assert [len(each) for each in within((parts(1),) * 100, ReadingBudget(100, 10**6))].count(1) == MAX_PARTS
    assert [len(each) for each in within((parts(5, 1_000),), ReadingBudget(100, 100))] == [1]


def test_the_notes_on_all_that_may_be_read_fit_beside_the_rest_of_the_prompt():
    for context in (4_096, 8_192, 32_768, 131_072):
        ability = ModelAbility(calls_tools=True, writes_from_sources=True, context_tokens=context)
        budget = reading_budget(TurnState(SPEC, ability, (), (), {}))
        n_parts = budget.total_tokens // budget.part_tokens
        assert n_parts >= 1
        each = notes_tokens(FilePart(0, 1, budget.part_tokens))
        assert n_parts * each <= max(room(SPEC, ability), context // 8)


def test_notes_leave_out_what_was_cut_off_and_nothing():
    assert read_notes("- One.\n\n- Two, and th", is_whole=False) == "- One."
    assert read_notes("It is one. It is two. It is thr", is_whole=False) == "It is one. It is two."
    assert read_notes("One long sentence that does not", is_whole=False) == "One long sentence that does not"
    assert read_notes("- One.\n- Two.", is_whole=True) == "- One.\n- Two."
    assert read_notes(" NOTHING. ", is_whole=True) == read_notes("- Nothing", is_whole=True) == ""


def notes(number: int, text: str) -> PartNotes:
    return PartNotes(
        file_id="f",
        file_name="m.pdf",
        segment="s",
        start=0,
        end=9,
        number=number,
        n_parts=2,
        place="pages 1–3",
        text=text,
    )


def test_the_prompt_has_the_notes_and_says_where_there_are_none():
    text = notes_text((notes(1, "- One."), notes(2, "")), "")
    assert "(m.pdf, part 1 of 2, pages 1–3)\n- One." in text
    assert text.endswith("(The other parts say nothing on this.)")
    assert notes_text((notes(1, ""),), "").endswith("The files say nothing on this.")
    assert "of which you have read a part (m.pdf)." in notes_text((notes(1, "- One."),), "m.pdf")


def test_what_was_not_read_is_said_by_pages_or_sections():
    last = Passage(file_id="f", file_name="m", segment="s", chunk=0, text="x" * 50, start=0, end=50)
    paged = last.model_copy(update={"page": 1, "page_breaks": ((20, 2), (40, 3))})
    headed = last.model_copy(update={"heading": "Care > Water"})
    files = [
        ReadFile("whole.pdf", 50, 3, paged),
        ReadFile("paged.pdf", 500, 30, paged),
        ReadFile("headed.md", 200, 0, headed),
        *(ReadFile(f"{n}.md", 9, 0, None) for n in range(7)),
    ]
    assert unread(files, "en") == (
        "These files are too long, so I read only a part of them: paged.pdf (1–3/30), headed.md (25 %, “Water”). "
        "I did not read these files: 0.md, 1.md, 2.md, 3.md, 4.md, +2."
    )
    assert unread(files[:1], "de") == ""
