"""Arguments are read off a message only where nothing else could be meant."""

import pytest

from workers.smallmodel.arguments.of_schemas import dates_in, fill


def schema(required: str = "", **properties: dict) -> dict:
    return {"type": "object", "properties": properties, "required": required.split() or list(properties)}


TEXT, WHOLE, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
DAY = {"type": "string", "format": "date"}
UNIT = {"type": "string", "enum": ["celsius", "fahrenheit"]}


@pytest.mark.parametrize(
    ("parameters", "text", "found"),
    [
        (schema(city=TEXT), "What is the weather in Paris?", {"city": "Paris"}),
        (schema(city=TEXT), "wie ist das Wetter in Bad Homburg", {"city": "Bad Homburg"}),
        (schema(city=TEXT, unit=UNIT), "Temperature in Oslo in celsius please", {"city": "Oslo", "unit": "celsius"}),
        (schema(celsius=NUMBER), "Set it to 21.5 degrees", {"celsius": 21.5}),
        (schema(count=WHOLE), "roll 3 dice", {"count": 3}),
        (schema(day=DAY), "What happened on 3 March 2021?", {"day": "2021-03-03"}),
        (schema(day=DAY), "am 14. Juli 1789 bitte", {"day": "1789-07-14"}),
        (schema(day=DAY), "events on 2024-02-29", {"day": "2024-02-29"}),
        (
            schema(email={"type": "string", "format": "email"}),
            "Invite bob@example.org.",
            {"email": "bob@example.org"},
        ),
        (
            schema(url={"type": "string", "format": "uri"}),
            "Shorten https://example.org/a?b=1 please",
            {"url": "https://example.org/a?b=1"},
        ),
        (schema(text=TEXT), 'Translate "good night"', {"text": "good night"}),
    ],
)
def test_what_is_stated_is_read(parameters, text, found) -> None:
    assert fill(parameters, text) == found


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        (schema(city=TEXT), "weather in Paris and in Rome"),
        (schema(city=TEXT), "the weather in Paris, Texas"),
        (schema(city=TEXT), "the weather in May"),
        (schema(city=TEXT), "the weather in paris"),
        (schema(celsius=NUMBER), "from 19 to 21"),
        (schema(celsius=NUMBER), "warmer please"),
        (schema(celsius=NUMBER), "sensor T7 to high"),
        (schema(count=WHOLE), "1.5 of them"),
        (schema(count=WHOLE | {"maximum": 5}), "roll 9 dice"),
        (schema(count=WHOLE | {"multipleOf": 5}), "roll 9 dice"),
        (schema(low=WHOLE, high=WHOLE), "up to 50"),
        (schema(day=DAY), "on 31 February 2021"),
        (schema(day=DAY), "tomorrow"),
        (schema(start=DAY, end=DAY), "2024-01-01"),
        (schema(unit=UNIT), "celsius or fahrenheit?"),
        (schema(text=TEXT), "Translate good night"),
        (schema(text=TEXT, note=TEXT), 'Write "hello"'),
        (schema(text=TEXT | {"pattern": "^[a-z]$"}), 'Write "hello"'),
        (schema("city", city=TEXT, days=WHOLE), "weather in Oslo for 5 days"),
        (schema("city", city=TEXT, date=TEXT), "weather in Oslo tomorrow"),
        ({"type": "object", "properties": {"city": TEXT}}, "weather in Paris"),
        ({"properties": [], "required": "city"}, "weather in Paris"),
        ({"properties": {"city": None}, "required": ["city", 3]}, "weather in Paris"),
        ({}, "hello"),
    ],
)
def test_a_doubt_leaves_it_to_the_model(parameters, text) -> None:
    assert fill(parameters, text) is None


def test_a_message_of_two_words_in_a_conversation_is_left_to_the_model() -> None:
    assert fill(schema(city=TEXT), "in Rome") == {"city": "Rome"}
    assert fill(schema(city=TEXT), "in Rome", ["weather in Paris tomorrow"]) is None


def test_a_long_message_is_left_to_the_model() -> None:
    assert fill(schema(city=TEXT), "weather in Paris " + "x" * 100_000) is None


def test_dates_are_read_in_four_languages() -> None:
    assert dates_in("June 5th, 2020; le 1er mai 2021; 3 de enero de 2022; 7. Dezember 2023") == [
        "2021-05-01",
        "2022-01-03",
        "2023-12-07",
        "2020-06-05",
    ]


CODES = ["EUR", "USD", "GBP"]
RATE = {
    "type": "object",
    "required": ["base", "symbols"],
    "properties": {
        "base": {"type": "string", "enum": CODES, "description": "The base."},
        "symbols": {"type": "string", "enum": CODES, "description": "The target."},
    },
}


@pytest.mark.parametrize(
    ("text", "base", "symbols"),
    [
        ("What is the exchange rate from EUR to USD?", "EUR", "USD"),
        ("USD in EUR bitte", "USD", "EUR"),
        ("convert gbp into usd", "GBP", "USD"),
    ],
)
def test_from_where_and_to_where_are_told_apart(text, base, symbols):
    assert fill(RATE, text) == {"base": base, "symbols": symbols}


@pytest.mark.parametrize("text", ["EUR and USD", "What is EUR worth?", "EUR to USD to GBP", "rates"])
def test_what_does_not_say_which_way_is_left_to_the_model(text):
    assert fill(RATE, text) is None
