"""Downloads of the models page: claimed once, told on the row, killed and resumed; and BASE_MODEL=auto."""

import time
from datetime import timedelta

import pytest
from django.conf import settings as site_settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.workers.models.conftest import CHUNK, CONFIG
from tests.workers.models.hub_server import Repo
from web.operate.downloads import RETRY, Claim, claim_downloads, forget_download, request_download, stop_download
from web.operate.listing import find_row
from web.operate.models import ModelDownload, ModelSurvey
from web.operate.services import chosen_model
from workers import model_downloads, model_survey
from workers.models.machine import MachineSize
from workers.models.stored import find_stored

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def site(settings, hub, home, monkeypatch):
    """A site whose machine fits Qwen3 4B, which the hub has."""
    settings.HF_ENDPOINT, settings.HF_TOKEN, settings.ENGINE, settings.BASE_MODEL = hub.endpoint, "", "hf", "bundled"
    monkeypatch.setattr(model_survey, "machine", lambda: MachineSize(16_000_000_000, 50_000_000_000, 12_000_000_000))
    hub.repos["Qwen/Qwen3-4B-Instruct-2507"] = Repo({"model.safetensors": b"safe" * 300_000, "config.json": CONFIG})
    model_survey.survey()


def do(name="acme/tiny") -> ModelDownload:
    """The row after the download that is due was done in this process."""
    for row in claim_downloads():
        model_downloads.run(Claim(row.id, row.claim), lost=lambda: None)
    return ModelDownload.objects.get(name=name)


def test_a_model_is_looked_up_accepted_downloaded_and_listed(hub, home, monkeypatch):
    request_download("acme/tiny")
    row = do()
    assert (row.status, row.licence, row.misfit, row.claim) == ("offered", "apache-2.0", "", "")
    assert row.total > 3 * CHUNK
    assert hub.fetched() == []
    request_download("acme/tiny", row.licence)
    row = do()
    assert (row.status, row.done, row.error) == ("done", row.total, "")
    assert row.path == str(find_stored("acme/tiny", home)) == find_row("acme/tiny").path
    model_survey.survey()
    assert not ModelDownload.objects.exists()
    assert find_row("acme/tiny").state == "downloaded"
    assert find_row("acme/tiny").misfit == ""
    monkeypatch.setattr(model_survey, "machine", lambda: MachineSize(2_000_000_000, 0))
    model_survey.survey()
    assert find_row("acme/tiny").misfit.startswith("Needs 5")
    model_survey.remove_model("acme/tiny")
    model_survey.survey()
    assert find_row("acme/tiny") is None


def test_another_licence_than_the_one_accepted_is_asked_about(hub):
    hub.repos["acme/tiny"].licence = "other"
    request_download("acme/tiny", "Apache-2.0")
    assert do().status == "offered"
    assert hub.fetched() == []


def test_a_model_that_does_not_fit_is_offered_with_the_reason(hub):
    found = ModelSurvey.objects.get()
    found.found["machine"] |= {"memory": 2_000_000_000, "gpu_memory": 0}
    found.save()
    request_download("acme/tiny")
    assert "Needs" in do().misfit


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda hub, settings: setattr(hub.repos["acme/tiny"], "gated", True), "is gated"),
        (lambda hub, settings: hub.damaged.add("model-00001-of-00002.safetensors"), "arrived damaged"),
        (lambda hub, settings: setattr(settings, "HF_ENDPOINT", "http://127.0.0.1:9"), "Couldn't connect"),
        (lambda hub, settings: hub.repos.clear(), "has no model acme/tiny"),
        (lambda hub, settings: settings.GUILDHALL_HOME.joinpath("models").write_text(""), "couldn't be stored"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_is_not_tried_again_unasked(hub, settings, break_it, says):
    break_it(hub, settings)
    request_download("acme/tiny", "apache-2.0")
    row = do()
    assert row.status == "failed"
    assert says in row.error
    assert claim_downloads() == []


def test_a_fault_of_our_own_is_told_too(monkeypatch):
    monkeypatch.setattr(model_downloads, "find_source", lambda name: 1 / 0)
    request_download("acme/tiny", "apache-2.0")
    assert "log of the model worker" in do().error


def test_two_clicks_start_one_download(sent_tasks, monkeypatch):
    started = []
    monkeypatch.setattr(model_downloads.subprocess, "Popen", lambda command: started.append(command) or Ended())
    for _ in range(2):
        request_download("acme/tiny", "apache-2.0")
    model_downloads.start_downloads()
    model_downloads.start_downloads()
    assert [command[-3] for command in started] == ["downloadmodel"]
    assert len(sent_tasks) == ModelDownload.objects.count() == 1


class Ended:
    def wait(self) -> int:
        return 0


def test_only_the_process_that_holds_the_claim_writes():
    request_download("acme/tiny", "apache-2.0")
    [row] = claim_downloads()
    first = Claim(row.id, row.claim)
    ModelDownload.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert len(claim_downloads()) == 1
    assert not first.save(done=5)
    assert not first.end(ModelDownload.Status.DONE)
    assert not Claim(row.id, "").save(done=5)


@pytest.fixture
def started(monkeypatch, settings, hub, home):
    """Starts real download processes; returns them."""
    database = connection.settings_dict["NAME"]
    values = {"GUILDHALL_HOME": home, "HF_ENDPOINT": hub.endpoint, "DATABASE_URL": f"sqlite:///{database}"}
    for name, value in {**values, "PYTHONPATH": f"{site_settings.REPOSITORY}/platform"}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.chdir(site_settings.REPOSITORY)
    processes, popen = [], model_downloads.subprocess.Popen

    def start(command):
        processes.append(popen(command))
        return processes[-1]

    monkeypatch.setattr(model_downloads.subprocess, "Popen", start)
    yield processes
    for process in processes:
        process.kill()


def wait_for(is_true) -> None:
    while not is_true():
        time.sleep(0.05)


@pytest.mark.process
def test_a_killed_and_a_stopped_download_go_on_from_their_byte(hub, home, started):
    hub.stall_after = 2 * CHUNK + 1
    part = home / "models/hub/.acme--tiny.partial/model-00001-of-00002.safetensors.part"
    request_download("acme/tiny", "apache-2.0")
    model_downloads.start_downloads()
    wait_for(lambda: part.is_file() and part.stat().st_size >= 2 * CHUNK)
    wait_for(lambda: ModelDownload.objects.get().done >= 2 * CHUNK)
    started[0].kill()
    started[0].wait()
    model_downloads.start_downloads()
    assert len(started) == 1  # its claim holds for some seconds
    ModelDownload.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    hub.stall_after = 2 * CHUNK + 2
    model_downloads.start_downloads()
    wait_for(lambda: hub.ranges())
    assert stop_download("acme/tiny")
    started[1].wait()  # although the hub sends nothing
    row = ModelDownload.objects.get()
    assert (row.status, row.claim) == ("cancelled", "")
    hub.stall_after = None
    request_download("acme/tiny", "apache-2.0")
    model_downloads.start_downloads()
    started[2].wait()
    assert ModelDownload.objects.get().status == "done"
    assert hub.ranges() == [f"bytes={2 * CHUNK}-"] * 2
    assert (find_stored("acme/tiny", home) / part.stem).read_bytes() == hub.repos["acme/tiny"].files[part.stem]


@pytest.fixture
def auto(settings) -> None:
    settings.BASE_MODEL = "auto"
    model_survey.survey()


def test_auto_downloads_the_best_model_once_and_uses_it(auto, home):
    row = do("qwen3-4b")
    assert row.status == "done"
    assert chosen_model().base_model == str(find_stored("qwen3-4b", home))
    for _ in range(2):
        model_survey.survey()
    assert not ModelDownload.objects.exists()


def test_auto_uses_what_was_downloaded_before(settings, home):
    request_download("qwen3-4b", "apache-2.0", is_listed=True)
    do("qwen3-4b")
    assert chosen_model() is None
    settings.BASE_MODEL = "auto"
    model_survey.survey()
    assert chosen_model().base_model == str(find_stored("qwen3-4b", home))


def test_auto_tries_again_later_and_never_in_a_tight_loop(auto, hub):
    repo = hub.repos.pop("Qwen/Qwen3-4B-Instruct-2507")
    assert do("qwen3-4b").status == "failed"
    model_survey.survey()
    assert claim_downloads() == []
    ModelDownload.objects.update(retry_at=timezone.now() - timedelta(seconds=1))
    assert do("qwen3-4b").retry_at > timezone.now() + RETRY / 2
    hub.repos["Qwen/Qwen3-4B-Instruct-2507"] = repo
    ModelDownload.objects.update(retry_at=timezone.now() - timedelta(seconds=1))
    assert do("qwen3-4b").status == "done"


@pytest.mark.parametrize("ends", [stop_download, forget_download])
def test_auto_leaves_it_at_that_when_an_operator_ends_it(auto, ends, hub):
    if ends is forget_download:
        hub.repos.clear()
        do("qwen3-4b")
    ends("qwen3-4b")
    model_survey.survey()
    assert claim_downloads() == []


def test_a_choice_counts_more_than_auto(settings):
    from web.operate.services import choose_model

    choose_model("bundled")
    settings.BASE_MODEL = "auto"
    model_survey.survey()
    assert not ModelDownload.objects.exists()


def test_a_gguf_file_that_the_cpu_engine_has_loaded_is_no_longer_shown_as_changing(hub):
    from web.operate.services import choose_model, seen_model

    name = "acme/tiny-gguf:tiny-q4.gguf"
    request_download(name, "mit")
    assert do(name).status == "done"
    choose_model(find_row(name).path)
    model_survey.survey()
    assert find_row(name).state == "changing"
    seen_model("a fingerprint", "tiny-q4")
    assert find_row(name).state == "loaded"


def test_the_survey_is_written_only_when_it_changed():
    with CaptureQueriesContext(connection) as queries:
        model_survey.survey()
    assert not [each["sql"] for each in queries if each["sql"].startswith(("INSERT", "UPDATE"))]
