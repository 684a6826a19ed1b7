"""Starters with inputs, as they are sent."""

import pytest

from gpts.spec.inputs import Input, sent_starter, with_labels

PLACE = Input(name="place", title="Place")
LENGTH = Input(name="length", title="Boat length", kind="number")
TRIP = "Plan a trip to {{place}} for a boat of {{length}} metres"


@pytest.mark.parametrize(
    ("starter", "values", "sent"),
    [
        (TRIP, {"place": "Split", "length": 9.5}, "Plan a trip to Split for a boat of 9.5 metres"),
        (TRIP, {"place": "Split"}, "Plan a trip to Split for a boat"),
        (TRIP, {}, "Plan a trip for a boat"),
        ("Find a berth in {{place}}, boat length {{length}} m.", {"place": "Split"}, "Find a berth in Split."),
        ("Find a berth (length: {{length}} m) in {{place}}?", {"place": "Split"}, "Find a berth in Split?"),
        ("Ein Liegeplatz in {{place}} für ein Boot mit {{length}} Metern?", {}, "Ein Liegeplatz für ein Boot?"),
        ("{{place}}: wo anlegen?", {}, "wo anlegen?"),
        ("What is {{unknown}}?", {}, "What is {{unknown}}?"),
    ],
)
def test_inputs_left_empty_vanish_with_their_words(starter, values, sent):
    assert sent_starter(starter, (PLACE, LENGTH), values) == sent


def test_people_see_the_labels_of_inputs():
    assert with_labels(TRIP, (PLACE, LENGTH)) == "Plan a trip to [Place] for a boat of [Boat length] metres"
