"""The heartbeat outlives what goes wrong beside it, and takes nothing back that was known."""

import pytest
from django.db import OperationalError

from tests.web.conftest import valkey_url, with_valkey  # noqa: F401
from web.operate.services import current_model, override
from web.runs import stream
from workers import configuration, heartbeat
from workers.engine.base import EngineError
from workers.engine.scripted import ScriptedEngine


@pytest.fixture
def engine(monkeypatch, settings) -> ScriptedEngine:
    settings.ENGINE = "hf"
    engine = ScriptedEngine()
    held = type("Held", (), {"engine": engine})
    monkeypatch.setattr(heartbeat, "services", lambda: held)
    monkeypatch.setattr(heartbeat, "announce_model", lambda name, **facts: None)
    monkeypatch.setattr(heartbeat, "close_old_connections", lambda: None)
    return engine


def locked(*args):
    raise OperationalError("database is locked")


def test_a_locked_database_ends_no_heartbeat_and_leaves_the_ability_as_it_is(engine, monkeypatch):
    engine.learn({"calls_tools": False})
    monkeypatch.setattr(configuration, "seen_model", locked)
    heartbeat._announce_model()
    assert not engine.ability().calls_tools


def test_what_an_operator_overrides_holds_from_the_next_beat(engine, db, monkeypatch):
    monkeypatch.setattr(heartbeat, "claim_measuring", lambda record: False)
    heartbeat._announce_model()
    assert engine.ability().calls_tools
    override(current_model(), {"calls_tools": False})
    heartbeat._announce_model()
    assert not engine.ability().calls_tools


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (EngineError("The server refused the key."), "The server refused the key."),
        (KeyError("x"), heartbeat.UNEXPECTED),
    ],
)
def test_a_failed_check_says_why_and_the_next_beat_does_not_pay_for_another(engine, db, monkeypatch, error, why):
    def fail(*args):
        checks.append(1)
        raise error

    checks = []
    monkeypatch.setattr(heartbeat, "measure_ability", fail)
    monkeypatch.setattr(heartbeat.threading, "Thread", Now)
    heartbeat._announce_model()
    heartbeat._announce_model()
    assert checks == [1]
    assert current_model().failure == why


class Now:
    """A thread that has run when it has started."""

    def __init__(self, target, args, **options):
        self.start = lambda: target(*args)


@pytest.mark.usefixtures("with_valkey")
def test_pages_hear_what_is_missing_and_who_uses_sandboxes(monkeypatch):
    monkeypatch.setattr(heartbeat, "missing", lambda settings: {"code_interpreter": "It is turned off."})
    monkeypatch.setattr(heartbeat.Client, "n_live", lambda client: {"7": 2})
    heartbeat.announce_tools_of_machine()
    assert stream.missing_capabilities() == {"code_interpreter": "It is turned off."}
    assert [stream.n_sandboxes(person) for person in (7, 8)] == [2, 0]
