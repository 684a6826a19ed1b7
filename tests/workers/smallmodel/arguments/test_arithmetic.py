"""Plain calculations become code whose answer is right; what only looks like one is left alone."""

import contextlib
import io

import pytest

from workers.smallmodel.arguments.arithmetic import code_for

RIGHT = [
    ("What is 3847 * 291?", "1119477"),
    ("15% of 240", "36"),
    ("sqrt of 2", "1.414213562"),
    ("average of 3, 5 and 9", "5.666666667"),
    ("2^10", "1024"),
    ("how much is 19,99 mal 3", "59.97"),
    ("what's 12 plus 7 times 3?", "33"),
    ("What is 100 divided by 8?", "12.5"),
    ("0.1 + 0.2", "0.3"),
    ("(3 + 4) * 2", "14"),
    ("5!", "120"),
    ("10 / 3", "3.333333333"),
    ("What is the square root of 144?", "12"),
    ("calculate 7 x 8", "56"),
    ("Wie viel ist 12 geteilt durch 5?", "2.4"),
    ("1,234.50 + 2", "1236.5"),
    ("80 + 15%", "92"),
    ("200 - 10%", "180"),
    ("What is 2 to the power of 8?", "256"),
    ("-5 + 3", "-2"),
    ("3 squared", "9"),
    ("sum of 4, 5, 6", "15"),
    ("median of 3 9 4", "4"),
    ("gcd of 12 and 18", "6"),
    ("What is 17 mod 5?", "2"),
    ("please calculate 12.5% of 80", "10"),
    ("what is 1000000 * 1000000", "1000000000000"),
    ("What is 10 minus 4", "6"),
    ("sqrt(16) + 2", "6"),
    ("0.5 * 0.5 =", "0.25"),
    ("standard deviation of 2, 4, 4, 4, 5, 5, 7, 9", "2.138089935"),
    ("max of 3, 8, 5", "8"),
    ("3.5e3 * 2", "7000"),
    ("how much is 15 percent of 89.90?", "13.485"),
    ("17% of 2,340 euros", "397.8"),
    ("2 ** 0.5", "1.414213562"),
    ("3847×291", "1119477"),
    ("Was ist 3 hoch 4?", "81"),
    ("what is 7 / 2?", "3.5"),
    ("how much is 24/7?", "3.428571429"),
    ("2 ^ 3 ^ 2", "512"),
    ("10 - 4 - 3", "3"),
    ("-2 ^ 2", "-4"),
    ("1.234,5 + 1", "1235.5"),
    ("How many days are there between 2026-01-15 and 2026-12-24?", "343 days"),
    ("Wie viele Tage sind es von 2026-03-01 bis 2026-02-01", "28 days"),
    ("Wieviel ist 1.250 geteilt durch 25", "50"),
    ("what is 1.250 divided by 25", "0.05"),
]
NONE = [
    "How many days are there between 2026-02-30 and 2026-03-01?",
    "chapter 3 - 5",
    "version 1.2.3",
    "1.2.3",
    "call 555-1234",
    "555-123-4567",
    "2024-01-05",
    "05/03/2024",
    "What is 42?",
    "+49 30 1234567",
    "9/11",
    "pages 10-12",
    "What is the capital of France?",
    "24/7",
    "I have 3 apples and 5 pears",
    "ISO 9001",
    "What is 2024?",
    "who won 3-1?",
    "49-30-123456",
    "192.168.0.1",
    "What happened on 9/11/2001?",
    "10-12",
    "Explain E = mc^2",
    "the 3 + 1 rule in football",
    "1600-1700",
    "What is Python 3.11?",
    "is 3 more than 2?",
    "(555) 123-4567",
    "room 4/5",
    "what is 50%?",
    "buy 3 for 2",
    "convert this to pdf",
    "convert 5 miles to km",
    "12 inches in cm",
    "how many days in 2024",
    "In chapter 3 * 5",
    "",
    "average of my grades",
    "what is section 4.2 - 4.5",
    "Find 5",
    "2-1",
    "2001: A space odyssey",
    "what is 7-zip",
    "1/2",
    "What is C++ 11 + 14?",
    "B-52",
    "__import__('os').system('id') + 1",
    "open('/etc/passwd') * 2",
    "9" * 400 + " + 1",
    "2001!",
    "(((((3 + 4",
    "5 +",
    "what is seat 12 - 14",
]


def answer(code: str) -> str:
    """What the code prints; it was written by us from parsed numbers, so it may run here."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    return printed.getvalue().strip()


@pytest.mark.parametrize(("question", "right"), RIGHT)
def test_a_calculation_is_done_right(question: str, right: str) -> None:
    code = code_for(question)
    assert code is not None
    assert answer(code) == right


@pytest.mark.parametrize("question", NONE)
def test_what_is_no_calculation_is_left_alone(question: str) -> None:
    assert code_for(question) is None


def test_no_text_of_the_question_gets_into_the_code() -> None:
    assert code_for("What is 3847 * 291?") == "print(3847 * 291)"


def test_a_power_that_would_fill_the_memory_is_not_taken_literally() -> None:
    code = code_for("9 ^ 99999999")
    assert code is not None
    with pytest.raises(OverflowError):
        answer(code)
