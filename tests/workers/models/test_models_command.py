"""`manage.py models`, from an empty machine to a chosen model and back, against the local hub."""

import pytest
from django.core.management import CommandError, call_command

from web.engines import read_engines
from web.operate.models import ChosenModel, MeasuredModel
from web.operate.services import chosen_model
from workers.configuration import base_model, engine_config
from workers.engine.base import EngineConfig, EngineError
from workers.engine.weights import resolve_model
from workers.management.commands import checkmodel
from workers.management.commands import models as command

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def hub_settings(settings, hub):
    settings.HF_ENDPOINT, settings.HF_TOKEN = hub.endpoint, ""
    settings.ENGINE, settings.BASE_MODEL = "hf", "bundled"


@pytest.fixture
def run(capsys):
    """The command's output."""

    def call(*arguments: str) -> str:
        call_command("models", *arguments)
        return capsys.readouterr().out

    return call


@pytest.fixture
def downloaded(run, home):
    run("get", "acme/tiny", "--accept-licence")
    return home / "models/hub/acme--tiny"


def test_get_shows_the_licence_and_asks(run, monkeypatch, hub):
    with pytest.raises(CommandError, match="--accept-licence"):
        run("get", "acme/tiny")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: "n")
    with pytest.raises(CommandError, match="accept the licence"):
        run("get", "acme/tiny")
    assert hub.fetched() == []
    monkeypatch.setattr("builtins.input", lambda question: "y")
    output = run("get", "acme/tiny")
    assert "Licence: apache-2.0" in output
    assert "100 %  4 MB of 4 MB" in output
    assert "manage.py models use acme/tiny" in output


def test_a_downloaded_model_is_chosen_used_and_listed(run, downloaded):
    assert "Workers change to it within ten seconds" in run("use", "acme/tiny")
    assert engine_config().base_model == chosen_model().base_model == str(downloaded)
    output = run("list")
    assert f"In use: {downloaded} (chosen)" in output
    assert "* acme/tiny " in output
    assert "Suggested." in output
    run("use", "bundled")
    assert base_model() == "bundled"
    assert ChosenModel.objects.count() == 1


def test_base_model_in_the_environment_wins(run, downloaded, settings, capsys):
    settings.BASE_MODEL = "acme/tiny"
    assert resolve_model(engine_config()) == downloaded
    call_command("models", "use", "bundled")
    assert "BASE_MODEL is set to acme/tiny, which wins" in capsys.readouterr().err
    assert base_model() == "acme/tiny"


def test_a_model_that_is_not_here_names_the_command(home):
    for name in ("acme/other", "qwen3-4b"):
        with pytest.raises(EngineError, match=f"Run `manage.py models get {name}`"):
            resolve_model(EngineConfig(base_model=name, home=home))
    with pytest.raises(EngineError, match="neither 'bundled'"):
        resolve_model(EngineConfig(base_model="/nowhere/at/all", home=home))


def test_the_model_in_use_is_not_removed(run, downloaded, home):
    run("use", "acme/tiny")
    with pytest.raises(CommandError, match="“acme/tiny” is in use"):
        run("remove", "acme/tiny")
    run("use", "bundled")
    assert "Removed acme/tiny (downloaded, 4 MB)" in run("remove", "acme/tiny")
    assert not downloaded.exists()
    with pytest.raises(CommandError, match="There is no model"):
        run("remove", "acme/tiny")


def test_check_measures_that_model(run, downloaded, settings, monkeypatch):
    called = []
    monkeypatch.setattr(command, "call_command", lambda name, **_: called.append((name, settings.BASE_MODEL)))
    run("check", "acme/tiny")
    assert called == [("checkmodel", str(downloaded))]


def test_a_model_of_the_operators_file_is_listed_and_checked_at_its_server(run, settings, monkeypatch, tmp_path):
    file = tmp_path / "engines.toml"
    file.write_text(
        '[cloud]\nurl = "http://10.0.0.5:8001"\nmodel = "big"\nkey = "sk-secret"\ncontext_tokens = 65536\n'
    )
    settings.ENGINES, _ = read_engines(file, lambda name: "")
    output = run("list")
    assert "Offered to everyone: cloud (cloud), big on http://10.0.0.5:8001, else default" in output
    assert "sk-secret" not in output
    asked = []

    def measure(entry, say):
        asked.append(entry)
        return MeasuredModel.objects.create(fingerprint="c" * 64, name="big", measured={"calls_tools": True})

    monkeypatch.setattr(command, "measure_entry", measure)
    assert "calls_tools: True" in run("check", "cloud")
    assert (asked[0].url, asked[0].context_tokens) == ("http://10.0.0.5:8001", 65_536)


def test_a_stopped_download_says_how_it_goes_on(run, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("workers.models.hub.http_get", interrupt)
    with pytest.raises(CommandError, match="The same command goes on from here") as stopped:
        run("get", "acme/tiny", "--accept-licence")
    assert stopped.value.returncode == 130
    monkeypatch.undo()
    assert "unfinished" in run("list")


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("calls_tools=yes", ("calls_tools", True)),
        ("reads_tokens=60000", ("reads_tokens", 60_000)),
        ("reads_tokens=measured", ("reads_tokens", None)),
        ("reads_tokens=yes", None),
        ("calls_tools=5", None),
    ],
)
def test_an_ability_is_set_to_yes_or_no_and_how_long_files_it_reads_to_a_number(text, change):
    if change:
        assert checkmodel._change(text) == change
    else:
        with pytest.raises(ValueError, match="must be ability=yes"):
            checkmodel._change(text)
