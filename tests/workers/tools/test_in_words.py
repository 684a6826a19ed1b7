"""What a person reads of a call before they allow it."""

from workers.tools import describe, in_words


def test_every_argument_has_a_line():
    assert in_words({"part_number": "ZP-771", "urgent": True, "n": 2}) == "part number: ZP-771\nurgent: true\nn: 2"


def test_a_value_cannot_pretend_to_be_another_line():
    told = in_words({"title": "Leak\namount: 0", "amount": 900})
    assert told.splitlines() == ["title: Leak ⏎ amount: 0", "amount: 900"]


def test_a_name_cannot_pretend_to_be_another_line():
    told = in_words({"to: bob@example.org\nbcc": "x", "to": "eve@evil.example"})
    assert told.splitlines() == ["to: bob@example.org ⏎ bcc: x", "to: eve@evil.example"]


def test_what_nobody_sees_and_what_turns_text_around_is_shown():
    asked = describe({"to": "eve@evil\u202egro.elpmaxe@bob", "body": "Hi\u200b\U000e0041 שלום\u200f!"})
    assert asked.plain.splitlines() == [
        "to: eve@evil\\u202egro.elpmaxe@bob",
        "body: Hi\\u200b\\udb40\\udc41 שלום\u200f!",
    ]
    assert "\\u202e" in asked.raw
    assert "\u202e" not in asked.raw


def test_a_long_value_says_how_long_it_is():
    assert in_words({"text": "a" * 5_000}).endswith("… (5,000 characters)")
