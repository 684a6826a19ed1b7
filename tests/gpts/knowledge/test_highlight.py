"""The words that a quote consists of are found on its page, and words that it does not hold are not."""

import pytest

from gpts.knowledge.highlight import quoted_words

PAGE = (
    "Pump manual 12 Close the inlet valve before you open the hous- ing of the pump. The filter lasts six months in "
    "most houses. Part Number Stock Filter ZP-771 12 Seal ZP-12 7 Order both from the dealer in good time, as the"
).split()


def marked(quote: str, page: list[str] = PAGE) -> str:
    return " ".join(page[i] for i in quoted_words(quote, page))


@pytest.mark.parametrize(
    ("quote", "words"),
    [
        ("The filter lasts six months in most houses.", "The filter lasts six months in most houses."),
        ("the FILTER lasts “six months”", "The filter lasts six months"),
        ("open the housing of the pump", "open the hous- ing of the pump."),
        ("| Part | Number | Stock |\n| Filter | ZP-771 | 12 |", "Part Number Stock Filter ZP-771 12"),
        ("ZP-12", "ZP-12"),
        ("The filter lasts\nsix months in\nmost houses.", "The filter lasts six months in most houses."),
    ],
)
def test_a_quote_is_found(quote: str, words: str) -> None:
    assert marked(quote) == words


def test_rows_are_found_apart_when_the_header_stands_elsewhere() -> None:
    assert marked("| Part | Number | Stock |\n| Seal | ZP-12 | 7 |") == "Part Number Stock Seal ZP-12 7"


def test_ligatures_and_accents_do_not_matter() -> None:
    assert marked("The filter office", ["The", "\ufb01lter", "o\ufb03ce", "is", "open"]) == "The \ufb01lter o\ufb03ce"


def test_misread_letters_are_forgiven() -> None:
    page = "Tbe fi1ter lasts six rnonths in most houses and then it is changed".split()
    assert marked("The filter lasts six months in most houses", page) == "Tbe fi1ter lasts six rnonths in most houses"


def test_a_quote_that_goes_on_on_the_next_page_marks_its_part_on_both() -> None:
    quote = "Order both from the dealer in good time, as the filter is often sold out in summer."
    following = (
        "Pump manual 13 filter is often sold out in summer. Another chapter begins here with other words.".split()
    )
    assert marked(quote) == "Order both from the dealer in good time, as the"
    assert marked(quote, following) == "filter is often sold out in summer."


@pytest.mark.parametrize(
    "quote",
    [
        "",
        "|",
        "The impeller is made of bronze and never rusts.",
        "lve",
        "Never open the housing of a boiler in winter.",
    ],
)
def test_what_is_not_on_the_page_is_not_marked(quote: str) -> None:
    assert quoted_words(quote, PAGE) == ()


def test_an_empty_page_marks_nothing() -> None:
    assert quoted_words("The filter", []) == ()


def test_the_same_words_twice_are_marked_where_they_stand_whole() -> None:
    page = "The partial art of the party".split()
    assert quoted_words("art", page) == (2,)
