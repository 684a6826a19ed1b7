"""What is sent on of a live answer, piece by piece."""

import pytest

from web.runs.events import Relay, Rewritten

ATTEMPT = {"type": "attempt", "seq": 1, "attempt": 1}
RESULT = {"type": "step", "seq": 2, "kind": "tool_result"}


def token(text: str) -> dict:
    return {"type": "token", "text": text}


def sent(relay: Relay, *events: dict) -> str:
    return "".join(piece.text for event in events if (piece := relay.take(event)))


def test_reasoning_that_is_done_again_is_not_sent_again():
    relay = Relay()
    events = [
        {"type": "reasoning", "seq": seq, "attempt": n, "text": f"{seq}{n} "} for seq, n in ((1, 1), (1, 2), (3, 2))
    ]
    assert "".join(piece.reasoning for event in events if (piece := relay.take(event))) == "11 32 "


def test_a_second_reply_stands_a_paragraph_below_the_first():
    relay = Relay()
    assert sent(relay, ATTEMPT, token("One "), RESULT, ATTEMPT, token("Two"), token(" three")) == "One\n\nTwo three"
    assert relay.rest("Two three.").text == "."
    assert relay.before == len("One\n\n")


def test_no_gap_stands_before_the_first_word_or_without_a_second():
    relay = Relay()
    assert sent(relay, ATTEMPT, RESULT, RESULT, ATTEMPT, token("Two")) == "Two"
    assert relay.before == 0
    relay = Relay()
    assert sent(relay, ATTEMPT, token("One"), RESULT) == "One"
    assert relay.rest("").text == ""


def test_a_later_reply_begun_again_is_held_to_what_was_sent_of_it():
    relay = Relay()
    begun = sent(relay, ATTEMPT, token("One"), RESULT, ATTEMPT, token("Two th"))
    assert begun + sent(relay, ATTEMPT, token("Two "), token("three")) == "One\n\nTwo three"
    with pytest.raises(Rewritten):
        sent(relay, ATTEMPT, token("Three"))
