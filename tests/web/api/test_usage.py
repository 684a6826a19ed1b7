"""How much one's own GPT is used, over the API."""

import pytest

from tests.web.api.conftest import bearer, key_of
from web.runs.services import start_conversation, start_run

URL = "/api/gpts/pump-doctor/usage"


@pytest.fixture
def client(gpt, alice):
    """Alice's program."""
    return bearer(key_of(alice))


def test_it_tells_counts(client, gpt, bob):
    start_run(start_conversation(bob, gpt), "Hello")
    none = {"n_runs": 0, "n_tokens": 0, "seconds": 0}
    assert client.get(f"{URL}?days=7").json() == {
        "days": 7,
        "n_people": 1,
        "by_people": {**none, "n_runs": 1},
        "by_gpts": none,
        "by_delegator": [],
    }


@pytest.mark.parametrize("days", ["0", "366", "x"])
def test_it_looks_back_a_year_at_most(client, days):
    assert client.get(f"{URL}?days={days}").status_code == 422
