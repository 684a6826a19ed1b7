"""A worker changes to the model that an operator chose, and goes back where that cannot be loaded."""

from types import SimpleNamespace

import pytest

from gpts.runs.steps import ModelReply
from web.operate.services import choose_model, chosen_model
from workers import configuration
from workers.engine.base import EngineError
from workers.engine.scripted import ScriptedEngine
from workers.engine.switching import SwitchingEngine


class Named(ScriptedEngine):
    """A scripted engine that knows which model it was opened for."""

    def __init__(self, config) -> None:
        if "broken" in config.base_model:
            raise EngineError("the weights are damaged")
        if "odd" in config.base_model:
            raise KeyError("added_tokens")  # as tokenizers does for an empty file
        super().__init__()
        self.name = config.base_model


@pytest.fixture
def engine(db, monkeypatch, settings) -> SwitchingEngine:
    """The engine of a worker that started with the bundled model."""
    settings.ENGINE = "hf"
    monkeypatch.setattr(configuration, "open_engine", Named)
    monkeypatch.setattr(configuration, "prepare_local", lambda config, report: 0)
    engine = SwitchingEngine(Named(configuration.engine_config()), "bundled")
    held = type("Held", (), {"engine": engine})
    monkeypatch.setattr(configuration, "services", lambda: held)
    return engine


@pytest.mark.parametrize("fit", [True, False])
def test_the_chosen_model_answers_from_the_next_look_on(engine, monkeypatch, fit):
    monkeypatch.setattr(configuration, "fits_beside", lambda weights: fit)
    configuration.follow_choice()
    assert engine._current.name == "bundled"
    choose_model("/models/eight")
    configuration.follow_choice()
    assert engine._current.name == "/models/eight"


def test_on_a_gpu_the_old_model_is_closed_before_the_new_one_is_opened(engine, monkeypatch):
    order: list[str] = []

    def opened(config):
        order.append("opened")
        return Named(config)

    monkeypatch.setattr(configuration, "open_engine", opened)
    monkeypatch.setattr(configuration, "fits_beside", lambda weights: True)  # the machine's memory
    monkeypatch.setattr(configuration, "uses_memory", lambda config: False)
    monkeypatch.setattr(engine._current, "close", lambda: order.append("closed"))
    choose_model("/models/eight")
    configuration.follow_choice()
    assert order == ["closed", "opened"]


@pytest.mark.parametrize("fit", [True, False])
@pytest.mark.parametrize(
    ("path", "reason"), [("/models/broken", "the weights are damaged"), ("/models/odd", "be loaded (KeyError)")]
)
def test_a_model_that_cannot_be_loaded_is_given_up_with_the_reason(engine, monkeypatch, fit, path, reason):
    monkeypatch.setattr(configuration, "fits_beside", lambda weights: fit)
    choose_model(path)
    configuration.follow_choice()
    assert engine._current.name == "bundled"
    kept = chosen_model()
    assert kept.base_model == "bundled"
    assert reason in kept.trouble
    choose_model("/models/eight")
    assert chosen_model().trouble == ""


def test_a_model_server_is_not_changed(engine, settings):
    settings.ENGINE = "remote"
    choose_model("/models/eight")
    configuration.follow_choice()
    assert engine._current.name == "bundled"


def test_a_worker_that_cannot_load_the_chosen_model_starts_with_the_bundled_one(db, monkeypatch, settings):
    settings.ENGINE = "hf"
    monkeypatch.setattr(configuration, "open_engine", Named)
    monkeypatch.setattr(configuration, "_first_recall", lambda engine: None)
    choose_model("/models/odd")
    engine = configuration._services.__wrapped__().engine
    assert (engine.base_model, chosen_model().base_model) == ("bundled", "bundled")
    settings.BASE_MODEL = "/models/broken"
    with pytest.raises(EngineError, match="damaged"):
        configuration._services.__wrapped__()


def test_how_fast_a_model_writes_is_measured_after_the_first_token(monkeypatch):
    times = iter([0.0, 2.0, 10.0, 11.5])
    monkeypatch.setattr(configuration, "time", SimpleNamespace(monotonic=lambda: next(times)))
    replies = iter(
        [ModelReply(text="a", prompt_tokens=90, completion_tokens=11, first_token_ms=1000), ModelReply(text="")]
    )
    monkeypatch.setattr(configuration, "_reply", lambda *_: next(replies))
    timed = configuration.TimedReplies()
    assert timed.tokens_per_s == 0
    timed(None)
    assert timed.tokens_per_s == 10
    timed(None)  # a reply without text says nothing
    assert (timed.tokens_per_s, timed.n_read, timed.n_written) == (10, 90, 11)
