"""The models page: what operators see and do there, and that nobody else finds it."""

import pytest
from django.urls import reverse

from web.operate import changes
from web.operate.listing import find_row
from web.operate.models import ModelDownload, ModelSurvey
from web.operate.services import choose_model, chosen_model, seen_model
from web.rpc import NoResult

pytestmark = pytest.mark.django_db
ACTIONS = ("look-up", "download", "stop", "use", "remove", "dismiss")
PAGE = "/operate/models/"


def listed(name, **changes):
    base = {"repo": f"acme/{name}", "typed": f"acme/{name}", "name": name, "title": name.title(), "licence": "MIT"}
    rest = {"gated": False, "parameters": 4_000_000_000, "download_bytes": 8_100_000_000, "languages": "Many"}
    return {**base, **rest, "quirks": "", "abilities": ["tools"], "misfit": "", "is_slow": False, **changes}


@pytest.fixture
def operator(client, alice, settings):
    """Alice, an operator, signed in."""
    settings.ENGINE, settings.BASE_MODEL = "hf", "bundled"
    alice.is_staff = True
    alice.save()
    client.force_login(alice)
    return alice


@pytest.fixture
def survey(operator) -> ModelSurvey:
    """A machine with the bundled model loaded, where "good" fits best, "big" does not fit, and "old" is stored."""
    seen_model("a", "bundled")
    stored = {"name": "old", "size": 5_000_000_000, "licence": "MIT", "state": "downloaded", "path": "/m/old"}
    catalogue = [
        listed("good", tokens_per_s=9),
        listed("slow", is_slow=True, tokens_per_s=2.3),
        listed("big", misfit="Needs 90.0 GB."),
        listed("old"),
    ]
    machine = {"memory": 16_000_000_000, "free_disk": 50_000_000_000, "gpu_memory": 0}
    found = {"machine": machine, "best": "good", "catalogue": catalogue, "stored": [{**stored, "loads_as": ["old"]}]}
    return ModelSurvey.objects.create(found=found)


@pytest.fixture
def post(client):
    """Does an action, and returns the page that follows."""

    def send(action, name, query=""):
        url = reverse("change_models", args=[action]) + query
        return client.post(url, {"name": name}, follow=True).content.decode()

    return send


@pytest.mark.parametrize("action", ["", *(f"{each}/" for each in ACTIONS)])
def test_others_find_nothing(client, bob, action):
    method = client.post if action else client.get
    assert method(PAGE + action, {"name": "acme/x"}).status_code == 302
    client.force_login(bob)
    assert method(PAGE + action, {"name": "acme/x"}).status_code == 404
    assert not ModelDownload.objects.exists()
    assert PAGE not in client.get("/").content.decode()


def test_the_page_says_when_no_worker_has_reported(client, operator):
    page = client.get(PAGE).content.decode()
    assert "No model yet" in page
    assert "isn’t ready yet" in page


def test_the_page_says_how_search_reads_other_languages(client, operator, settings):
    assert "EMBEDDER=multilingual" in client.get(PAGE).text
    settings.EMBEDDER = "multilingual"
    assert "EMBEDDER" not in client.get(PAGE).text


def test_the_page_shows_what_is_used_recommended_stored_and_too_large(client, survey):
    page = client.get(PAGE).content.decode()
    used, recommended, rest = page.partition("Recommended")[0], *page.split("Recommended")[1].split("On this machine")
    assert "SmolLM2-135M-Instruct" in used
    assert "8.1 GB" in recommended
    assert "About 9 tokens/s here" in recommended
    assert "Good" in recommended
    assert "5.0 GB" in rest
    assert "Slow here. About 2.3 tokens per second" in rest
    assert "Needs 90.0 GB." in rest.partition("more need")[2]
    part = client.get(PAGE, {"part": ""}).content.decode()
    assert part.strip() in page
    assert "<html" not in part


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"status": "waiting"}, "Looking it up"),
        ({"status": "waiting", "accepted": "MIT"}, "Waiting for the model worker"),
        ({"status": "downloading", "done": 250, "total": 1000, "speed": 2.5}, "25 %"),
        ({"status": "failed", "error": "The disk is full."}, "The disk is full."),
        ({"status": "cancelled", "done": 460, "total": 1000, "accepted": "MIT"}, "Stopped at 46 %"),
        ({"status": "offered", "licence": "odd-1.0", "total": 1000}, "odd-1.0"),
        ({"status": "offered", "misfit": "Needs a lot."}, "Needs a lot."),
        ({"status": "failed", "error": "<script>alert(1)</script>"}, "&lt;script&gt;"),
    ],
)
def test_a_download_shows_where_it_is(client, survey, values, says):
    ModelDownload.objects.create(name="org/other", **values)
    page = client.get(PAGE).content.decode()
    assert says in page
    assert ("data-moving" in page) == (values["status"] in ("waiting", "downloading"))


@pytest.mark.parametrize(
    "name",
    [
        *("", "../x", "a/../b", "https://huggingface.co/Qwen/Qwen3-8B", "a b/c", "a/b c", "x" * 10_000, "a/b/c"),
        *(
            "a/" + "b" * 300,
            "org/name:../x.gguf",
            "org/name:x.bin",
            "org/na--me",
            "-a/b",
            "a/b\n",
            "a/b;rm -rf",
            "ä/b",
        ),
    ],
)
def test_what_is_no_name_is_refused_and_not_kept(survey, post, sent_tasks, name):
    page = post("look-up", name)
    if name != "a/b\n":  # spaces around a name are left out
        assert "Enter a name as on the hub" in page
        assert not ModelDownload.objects.exists()
        assert sent_tasks == []


def test_a_name_is_looked_up_once_and_one_of_the_catalogue_is_there_already(
    survey, post, sent_tasks, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        for name in ("org/x:q4.gguf", " org/x:q4.gguf ", "acme/good"):
            post("look-up", name)
    [row] = ModelDownload.objects.all()
    assert (row.name, row.accepted, row.status) == ("org/x:q4.gguf", "", "waiting")
    assert sent_tasks == [("workers.tasks.download_models", str(row.id), "model")]


def test_a_model_is_downloaded_stopped_and_resumed(survey, post):
    post("download", "good", "?licence=MIT")
    post("download", "good", "?licence=Other")  # a second click changes nothing
    row = ModelDownload.objects.get()
    assert (row.name, row.accepted, row.status) == ("good", "MIT", "waiting")
    post("stop", "good")
    assert find_row("acme/good").state == "cancelled"
    post("download", "good", "?licence=MIT")
    assert find_row("good").state == "waiting"
    assert "isn’t offered any more" in post("download", "unknown/model", "?licence=MIT")
    assert "isn’t offered any more" in post("download", "old", "?licence=MIT")


def test_only_a_stored_model_is_used(survey, post, settings):
    for name in ("good", "/etc/passwd", "nothing"):
        assert "can’t be used" in post("use", name)
    assert chosen_model() is None
    survey.found["stored"][0]["misfit"] = "Needs 90.0 GB."
    survey.save()
    assert "can’t be used" in post("use", "old")
    survey.found["stored"][0]["misfit"] = ""
    survey.save()
    page = post("use", "old")
    assert "Switching" in page
    assert chosen_model().base_model == "/m/old"
    assert 'value="bundled" id="model-old-keep"' in page  # also the way out where loading it kills the worker
    post("use", "bundled")
    assert find_row("old").state == "downloaded"
    post("use", "old")
    seen_model("b", "old")
    assert find_row("old").state == "loaded"
    post("use", "bundled")
    assert chosen_model().base_model == "bundled"
    settings.BASE_MODEL = "/models/fixed"
    page = post("use", "old")
    assert "can’t be used" in page
    assert "/models/fixed" in page
    assert chosen_model().base_model == "bundled"


def test_a_model_that_is_not_used_is_removed_by_a_worker(survey, post, monkeypatch):
    calls = []
    monkeypatch.setattr(changes.rpc, "call", lambda task, name, **_: calls.append((task, name)) or {})
    ModelDownload.objects.create(name="org/partial", status="cancelled", done=5)
    ModelDownload.objects.create(name="org/nothing", status="failed")
    for name in ("old", "org/partial", "org/nothing"):
        post("remove", name)
    assert calls == [("workers.tasks.remove_model", "old"), ("workers.tasks.remove_model", "org/partial")]
    assert not ModelDownload.objects.exists()
    choose_model("/m/old")
    for name in ("old", "bundled", "good"):
        assert "can’t be removed now" in post("remove", name)
    assert len(calls) == 2


def test_why_a_model_was_not_removed_is_told(survey, post, monkeypatch):
    def away(*_, **__):
        raise NoResult("This isn’t available right now.")

    monkeypatch.setattr(changes.rpc, "call", lambda *_, **__: {"refused": "Another process is downloading old."})
    assert "Another process is downloading old." in post("remove", "old")
    monkeypatch.setattr(changes.rpc, "call", away)
    assert "This isn’t available right now." in post("remove", "old")


def test_a_model_that_could_not_be_loaded_is_told(client, survey):
    choose_model("bundled")
    chosen = chosen_model()
    chosen.trouble = "The weights are damaged."
    chosen.save()
    assert "The weights are damaged." in client.get(PAGE).content.decode()


def test_with_a_model_server_there_is_nothing_to_download(client, survey, settings):
    settings.ENGINE, settings.ENGINE_MODEL = "remote", "my-70b"
    page = client.get(PAGE).content.decode()
    assert "my-70b" in page
    assert "Recommended" not in page
    settings.ENGINE, settings.ENGINE_MODEL = "vllm", ""
    assert "This site uses a model server" in client.get(PAGE).content.decode()


def test_operators_are_offered_the_best_model_until_they_dismiss_it(client, survey, post, bob):
    assert "Good fits this machine" in client.get("/").content.decode()
    ModelDownload.objects.create(name="good", status="downloading")
    assert "fits this machine" not in client.get("/").content.decode()
    ModelDownload.objects.all().delete()
    post("dismiss", "good")
    assert "fits this machine" not in client.get("/").content.decode()
    client.force_login(bob)
    assert "fits this machine" not in client.get("/").content.decode()


def test_a_site_with_a_better_model_gets_no_offer(client, survey):
    seen_model("b", "old")
    assert "fits this machine" not in client.get("/").content.decode()
