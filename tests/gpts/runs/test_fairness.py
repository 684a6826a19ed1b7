"""People take turns, whoever asks for more."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gpts.runs.fairness import Share, n_ahead, next_person, places

START = datetime(2026, 1, 1, tzinfo=UTC)


# These two are visitors of one widget.
VISITORS = (4, 5)


def shares_of(waiting: dict[int, list[str]], running: dict[int, int], served: dict[int, int]) -> list[Share]:
    return [
        Share(
            *(person, len(own), running.get(person, 0), START + timedelta(seconds=served.get(person, 0))),
            place="widget" if person in VISITORS else "",
        )
        for person, own in waiting.items()
    ]


def order_of(waiting: dict[int, list[str]], running: dict[int, int], served: dict[int, int]) -> list[str]:
    """The pieces of work in the order in which they are taken when nothing ends meanwhile."""
    waiting, running, served = {who: list(own) for who, own in waiting.items()}, dict(running), dict(served)
    order = []
    for now in range(1_000, 2_000):
        person = next_person(shares_of(waiting, running, served))
        if person is None:
            return order
        order.append(waiting[person].pop(0))
        running[person] = running.get(person, 0) + 1
        served[person] = now
    raise AssertionError("the queue never ends")


people = st.dictionaries(st.integers(1, 5), st.integers(0, 6), min_size=1)


@given(n_waiting=people, running=people, served=st.dictionaries(st.integers(1, 5), st.integers(0, 9)))
def test_the_place_that_is_shown_is_the_place_in_which_work_is_taken(n_waiting, running, served):
    waiting = {who: [f"{who}.{n}" for n in range(number)] for who, number in n_waiting.items()}
    order = order_of(waiting, running, served)
    assert sorted(order) == sorted(name for own in waiting.values() for name in own)
    for who, own in waiting.items():
        for n_before, name in enumerate(own):
            assert n_ahead(shares_of(waiting, running, served), who, n_before) == order.index(name)


def test_who_waits_for_a_hundred_is_next_after_who_waits_for_one():
    waiting = {1: [f"a{n}" for n in range(100)], 2: ["b"]}
    assert order_of(waiting, {}, {2: 5})[:3] == ["a0", "b", "a1"]


def test_with_the_same_in_work_the_one_served_longest_ago_is_next():
    waiting = {1: ["a"], 2: ["b"]}
    assert order_of(waiting, {1: 1, 2: 1}, {1: 9, 2: 3}) == ["b", "a"]


def test_nobody_who_waits_is_nobody():
    assert next_person([Share(1, 0, 4, START)]) is None
    assert n_ahead([], 1, 0) == 0


def test_visitors_of_one_widget_share_a_place_in_which_they_take_turns():
    waiting = {1: ["a", "b", "c"], 4: [f"v{n}" for n in range(9)], 5: ["w"]}
    assert order_of(waiting, {}, {})[:6] == ["a", "v0", "b", "w", "c", "v1"]
    shares = shares_of(waiting, {1: 2, 4: 1, 5: 1}, {})
    assert next_person(shares, most=2) is None
    assert [(share.n_waiting, share.n_running) for share in places(shares)] == [(3, 2), (10, 2)]
