"""What a model says that a message asks for: read to the letter, and a question wherever it is not."""

import pytest

from gpts.runs.intent import MAX_LISTED, SUMMARY, ListedFile, intent_request, read_intent
from gpts.runs.steps import Finished, MessageIntent, UserMessage

FILES = (
    ListedFile("a", "manual, 2024.pdf", "Zephyr-9 Service Manual"),
    ListedFile("b", "rates.pdf"),
    ListedFile("c", "rates.docx", "Rates"),
)
ASKED = "Tell me what is in there"


@pytest.mark.parametrize(
    ("line", "ids", "wanted"),
    [
        ("FILES: 1 | summary", "a", SUMMARY),
        ("FILES: 2, 3 | the notice periods", "bc", "the notice periods"),
        ("FILES: manual, 2024.pdf, rates.docx | Summary.", "ac", SUMMARY),
        ("FILES: Zephyr-9 service manual and 2 | how they differ", "ab", "how they differ"),
        ("\n**FILES: “rates.pdf”**", "b", ASKED),
        ("FILES: all | every date", "abc", "every date"),
        ("FILES: rates | every date", "bc", "every date"),  # both are called that
        ("FILES: 2, 2 | every   date", "b", "every date"),
    ],
)
def test_files_are_named_by_number_name_or_title(line, ids, wanted):
    expected = MessageIntent(intent="whole_files", query=wanted, file_ids=tuple(ids))
    assert read_intent(line, ASKED, FILES) == expected


@pytest.mark.parametrize(
    "line",
    [
        "FILES: 4 | summary",
        "FILES: manual | summary",
        "FILES: ../../etc/passwd",
        "FILES: 1 2",
        "FILES: 1; DROP TABLE | summary",
        "FILES:",
        "FILES: | summary",
        "FILES: 1 | summary | more",
        "FILES",
        "LAST, as a table",
        "",
    ],
)
def test_anything_else_is_a_search_for_the_message_itself(line):
    found = read_intent(line, ASKED, FILES)
    assert (found.intent, found.file_ids) == ("question", ())
    assert found.query in (ASKED, "")


def test_a_written_question_is_searched_with_the_message():
    assert (
        read_intent('"What does it cost?"\nMore.', "and the price?", FILES).query
        == "What does it cost? and the price?"
    )
    assert read_intent("LAST.", "shorter", FILES) == MessageIntent(intent="rewrite")


def test_the_prompt_lists_files_and_what_was_said_and_begins_the_same_for_all():
    before = (UserMessage(text="Which seal?"), Finished(text="ZP-771."))
    many = tuple(ListedFile(str(n), f"{n}.pdf", "A title\nin two lines") for n in range(MAX_LISTED + 5))
    one, other = (
        intent_request((), (UserMessage(text="hi"),), FILES),
        intent_request((before,), (UserMessage(text="?"),), many),
    )
    assert one[:-1] == other[:-1]
    assert "1. manual, 2024.pdf (Zephyr-9 Service Manual)\n2. rates.pdf\n" in one[-1].content
    assert (
        "\n60. 59.pdf (A title in two lines)\nand 5 more; write all for every file\n\nConversation:\n"
        in other[-1].content
    )
    assert other[-1].content.endswith("User: Which seal?\nAssistant: ZP-771.\n\nMessage: ?")
