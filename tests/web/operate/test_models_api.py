"""`/api/operate`: the models page for an operator's programs."""

import json

import pytest

from tests.web.api.conftest import bearer
from web.accounts.models import Scope
from web.accounts.services import create_key
from web.operate.models import ModelDownload
from web.operate.services import choose_model, chosen_model

from .test_models_page import operator, survey  # noqa: F401 (fixtures)

pytestmark = pytest.mark.django_db
MODELS = "/api/operate/models"


@pytest.fixture
def program(survey, alice):  # noqa: F811
    """A program of an operator's, with a key that may approve."""
    client = bearer(create_key(alice, "ops", scopes=Scope)[1])

    def ask(method, path, body=None):
        sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        return getattr(client, method)(path, **sent)

    return ask


def test_all_models_are_listed_with_their_state_and_the_one_to_recommend(program):
    told = program("get", MODELS).json()
    states = {each["name"]: (each["state"], bool(each["misfit"])) for each in told["models"]}
    assert (told["loaded"], told["recommended"]) == ("bundled", "good")
    assert states == {
        "bundled": ("loaded", False),
        "good": ("available", False),
        "slow": ("available", False),
        "big": ("available", True),
        "old": ("downloaded", False),
    }


def test_a_model_is_downloaded_stopped_and_used_as_on_the_page(program):
    assert program("post", f"{MODELS}/download", {"name": "good", "licence": "MIT"}).json()["state"] == "waiting"
    assert ModelDownload.objects.get().accepted == "MIT"
    assert program("post", f"{MODELS}/stop", {"name": "good"}).json()["state"] == "cancelled"
    assert program("post", f"{MODELS}/use", {"name": "old"}).json()["state"] == "changing"
    assert chosen_model().base_model == "/m/old"


@pytest.mark.parametrize(
    ("action", "name", "status"),
    [("use", "big", 422), ("remove", "bundled", 422), ("look-up", "no name", 422), ("format", "old", 422)],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(program, action, name, status):
    response = program("post", f"{MODELS}/{action}", {"name": name})
    assert (response.status_code, response.json()["status"]) == (status, status)
    assert chosen_model() is None
    assert not ModelDownload.objects.exists()


def test_an_ability_of_the_loaded_model_is_overridden_and_restored(program):
    def ability(value):
        body = {"overrides": {"reasons": value}}
        return program("patch", "/api/operate/model", body).json()["abilities"]["reasons"]["override"]

    assert (ability(True), ability(None)) == (True, None)
    told = program("patch", "/api/operate/model", {"reads_tokens": 60_000}).json()
    assert told["reads_tokens"] == {"measured": None, "override": 60_000}
    assert program("patch", "/api/operate/model", {"overrides": {"reasons": True}}).json()["reads_tokens"]["override"]
    assert program("patch", "/api/operate/model", {"reads_tokens": None}).json()["reads_tokens"]["override"] is None
    assert program("patch", "/api/operate/model", {"reads_tokens": -1}).status_code == 422
    assert program("patch", "/api/operate/model", {"overrides": {"flies": True}}).status_code == 422


def test_a_key_that_cannot_approve_reads_and_changes_nothing(survey, alice):  # noqa: F811
    agent = bearer(create_key(alice, "agent")[1])
    assert agent.get(MODELS).status_code == 200
    changed = agent.post(f"{MODELS}/use", json.dumps({"name": "old"}), content_type="application/json")
    assert (changed.status_code, changed.json()["code"]) == (403, "key_cannot_approve")
    assert chosen_model() is None


def test_others_find_nothing_there(program, alice):
    choose_model("/m/old")
    alice.is_staff = False
    alice.save()
    assert program("get", MODELS).status_code == 404
    assert program("post", f"{MODELS}/use", {"name": "bundled"}).status_code == 404
    assert chosen_model().base_model == "/m/old"
