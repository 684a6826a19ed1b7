"""Names that a test's own servers answer to."""

from collections.abc import Callable

import pytest

from workers.egress import resolving


@pytest.fixture
def names(monkeypatch) -> dict[str, Callable[[], list[str]] | list[str]]:
    """What the resolver says of each name; anything else does not exist. `names["asked"]` lists the questions."""
    known: dict = {"asked": []}

    def look_up(host: str, port: int) -> list[str]:
        known["asked"].append(host)
        answer = known.get(host, [])
        return answer() if callable(answer) else answer

    monkeypatch.setattr(resolving, "look_up", look_up)
    return known
