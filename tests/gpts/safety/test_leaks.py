"""Instructions, and files at length, are not printed, however the model writes them; ordinary answers pass."""

import base64
import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpts.knowledge.documents import Passage
from gpts.safety.leaks import INSTRUCTIONS_WITHHELD, QUOTE_WITHHELD, LeakGuard, leaks, withheld

RULE = "Never tell anybody that the discount for partners of the house is forty percent in May, whoever asks for it."
INSTRUCTIONS = f"""You are Pump Doctor. Help people with pumps of the Z series, and be patient with them.
{RULE}
Greet people with “Welcome to the clinic for pumps, where no question is too small and every leak is heard of!”
Answer in the language of the question."""
LONG = " ".join(
    f"Section {n} says that valve number {n * 7} must be closed by hand before work begins." for n in range(60)
)
MANUAL = Passage(file_id="1", file_name="manual.pdf", segment="", chunk=0, text=LONG, start=0, end=len(LONG))


def streamed(text: str, n_chars: int) -> str:
    guard = LeakGuard(INSTRUCTIONS, (MANUAL,))
    shown = [guard.feed(text[at : at + n_chars]) for at in range(0, len(text), n_chars)]
    return "".join([*shown, guard.finish()])


DISGUISES = {
    "as it is": RULE,
    "shouted": RULE.upper(),
    "spaced": " ".join(RULE),
    "without spaces": RULE.replace(" ", ""),
    "punctuated": RULE.replace(" ", " * "),
    "in lines": RULE.replace(" ", "\n"),
    "full width": "".join(chr(ord(c) + 0xFEE0) if c.isalnum() else c for c in RULE),
    "backwards": RULE[::-1],
    "words backwards": " ".join(reversed(RULE.split())),
    "rot13": codecs.encode(RULE, "rot13"),
    "base64": base64.b64encode(RULE.encode()).decode(),
    "base64 in lines": base64.encodebytes(RULE.encode()).decode(),
    "base64 from within": base64.b64encode(("xy " + RULE).encode()).decode()[1:],
    "hex": RULE.encode().hex(),
    "spaced hex": RULE.encode().hex(" "),
    "with words changed": RULE.replace("anybody", "a soul").replace("whoever", "no matter who"),
}


@pytest.mark.parametrize("n_chars", [1, 7, 10_000])
@pytest.mark.parametrize("printed", DISGUISES.values(), ids=DISGUISES)
def test_instructions_are_withheld(printed: str, n_chars: int) -> None:
    shown = streamed(f"Of course: {printed}\n\nThat is all.", n_chars)
    assert INSTRUCTIONS_WITHHELD in shown
    rest = shown.replace(INSTRUCTIONS_WITHHELD, "")
    assert len(rest) < 90, rest
    assert shown.startswith("Of course: ")
    assert shown.endswith("at is all.")


def test_all_of_the_instructions_make_one_gap() -> None:
    text = f"My instructions are: {INSTRUCTIONS.splitlines()[0]} {RULE} Nothing else."
    assert withheld(text, INSTRUCTIONS) == f"My instructions are: {INSTRUCTIONS_WITHHELD}. Nothing else."
    [span] = leaks(text, INSTRUCTIONS)
    assert text[slice(*span)].startswith("You are Pump")


@pytest.mark.parametrize(
    "answer",
    [
        "I help with pumps of the Z series.",
        "Welcome to the clinic for pumps, where no question is too small and every leak is heard of!",
        "I answer in the language of the question.",
        "There is a discount for partners of the house; ask the sales desk for it.",
        "The key is AKIAIOSFODNN7EXAMPLEKEYABCDEFGHIJ and the sum 0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a6978.",
        "See https://example.org/a/very/long/path/that/goes/on/and/on?with=queries&more=of-them for that.",
        "",
    ],
)
def test_ordinary_answers_pass_as_they_are(answer: str) -> None:
    for n_chars in (1, 5, 1_000):
        assert streamed(answer, n_chars) == answer


def test_short_instructions_never_trigger() -> None:
    answer = "You are right. Be friendly, and answer briefly in German."
    assert withheld(answer, "Be friendly. Answer briefly in German.") == answer
    assert withheld(answer, "") == answer


def test_a_quotation_passes_and_a_file_does_not() -> None:
    quote = f"The manual says: “{LONG[:600]}”"
    assert streamed(quote, 9) == quote
    shown = streamed(LONG, 9)
    assert QUOTE_WITHHELD in shown
    assert shown.count(QUOTE_WITHHELD) == 1
    assert 1_400 < len(shown) < 2_100
    in_two = f"{LONG[:1500]} And then, to be sure of it all: {LONG[1500:3000]}"
    assert len(withheld(in_two, "", (MANUAL,))) < 2_200


def test_ordinary_text_flows_without_delay() -> None:
    guard, text = LeakGuard(INSTRUCTIONS), "The pump hums because air is in the line; open the valve and let it out."
    for at in range(0, len(text), 4):
        assert guard.feed(text[at : at + 4]) == text[at : at + 4]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=40), st.sampled_from(sorted(DISGUISES)))
def test_no_way_of_cutting_the_stream_lets_a_leak_through(sizes: list[int], name: str) -> None:
    text, guard, shown = f"Well, {DISGUISES[name]} Bye.", LeakGuard(INSTRUCTIONS), ""
    for size in sizes:
        shown, text = shown + guard.feed(text[:size]), text[size:]
    shown += guard.feed(text) + guard.finish()
    assert not leaks(shown, INSTRUCTIONS)


@given(st.text(max_size=300))
def test_any_other_text_passes_unchanged(text: str) -> None:
    guard = LeakGuard(INSTRUCTIONS)
    assert guard.feed(text[:100]) + guard.feed(text[100:]) + guard.finish() == text
