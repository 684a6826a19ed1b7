"""Whose work is next, when several people wait for the same workers.

The person with the least in work goes first, then the one who was served longest ago. So people take turns, and one
who waits alone may use every worker. Visitors of one GPT's chat on other sites share a place among people, in which
they take turns: whoever opens a hundred sessions there is served no sooner than the first.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Share:
    """A person's part of a queue; `served` is when their work was last taken from it.

    `place` names the place that they share with others; it is empty for one of their own.
    """

    person: int
    n_waiting: int
    n_running: int
    served: datetime
    place: str = ""


def places(shares: Sequence[Share]) -> list[Share]:
    """The parts of places: people who share one count as one person, that of them who is next."""
    shared = defaultdict[str, list[Share]](list)
    for share in shares:
        shared[share.place].append(share)
    own = shared.pop("", [])
    return [*own, *map(_joined, shared.values())]


def _joined(members: Sequence[Share]) -> Share:
    first = min([share for share in members if share.n_waiting] or members, key=_turn)
    n_waiting, n_running = sum(share.n_waiting for share in members), sum(share.n_running for share in members)
    return replace(first, n_waiting=n_waiting, n_running=n_running, served=max(share.served for share in members))


def next_person(shares: Sequence[Share], most: int | None = None) -> int | None:
    """The person whose work is taken next; None if nobody waits in a place with fewer than `most` pieces in work."""
    waiting = [share for share in places(shares) if share.n_waiting and (most is None or share.n_running < most)]
    return min(waiting, key=_turn).person if waiting else None


def n_ahead(shares: Sequence[Share], person: int, n_before: int) -> int:
    """How much work is taken before the person's piece that follows `n_before` of their own, if nobody else comes.

    Zero if the person does not wait.
    """
    own = next((share for share in shares if share.person == person), None)
    if own is None:
        return 0
    if own.place:
        members = [share for share in shares if share.place == own.place]
        n_before = n_ahead([replace(share, place="") for share in members], person, n_before)
        shares, own = [share for share in shares if share.place != own.place], _joined(members)
    round_of_own = own.n_running + n_before
    return n_before + sum(
        min(share.n_waiting, max(0, round_of_own - share.n_running + _precedes(share, own)))
        for share in places(shares)
        if share is not own
    )


def _precedes(share: Share, own: Share) -> bool:
    """Whether the person comes first in the rounds that both are in.

    Whoever is served in an earlier round comes later in this one, so the order is that of their first common round.
    """
    return (-share.n_running, *_tie(share)) < (-own.n_running, *_tie(own))


def _turn(share: Share) -> tuple[int, datetime, int]:
    return share.n_running, *_tie(share)


def _tie(share: Share) -> tuple[datetime, int]:
    return share.served, share.person
