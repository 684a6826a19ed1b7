"""The creator chooses among the models that the operator offers; no page tells their keys or addresses."""

import pytest
from django.core.exceptions import ValidationError

from tests.publishing import publish
from tests.web.api.conftest import bearer, key_of
from web.builder.services import create_gpt, update_gpt
from web.builder.versions import restore_version
from web.engines import read_engines
from web.runs.models import Run

from .conftest import JSON

KEY = "sk-very-secret-0123456789"
FORM = "/gpts/pump-doctor/edit"


@pytest.fixture
def offer(settings, tmp_path):
    """Writes the operator's file: a model for everyone, one for operators."""

    def write(*names: str) -> None:
        file = tmp_path / "engines.toml"
        entries = {"cloud": "everyone", "lab": "operators"}
        lines = [
            f'[{name}]\nurl = "https://{name}.internal/v1"\nmodel = "m"\nkey = "{KEY}"\nallowed = "{entries[name]}"\n'
            for name in names
        ]
        file.write_text("".join(lines))
        settings.ENGINES, wrong = read_engines(file, lambda name: "")
        assert not wrong

    write("cloud", "lab")
    return write


@pytest.fixture
def page(as_alice):
    return lambda: as_alice.get(FORM).content.decode()


def test_without_other_models_there_is_nothing_to_choose(gpt, offer, page, as_alice, fields):
    offer()
    assert 'name="engine"' not in page()
    assert as_alice.post(FORM, {**fields, "engine": "cloud"}, headers=JSON).json()["errors"] == {}
    gpt.refresh_from_db()
    assert gpt.engine == ""


def test_a_model_is_chosen_saved_and_published(gpt, offer, page, as_alice, fields):
    assert '<option value="cloud">cloud</option>' in page()
    assert as_alice.post(FORM, {**fields, "engine": "cloud"}, headers=JSON).json()["errors"] == {}
    gpt.refresh_from_db()
    assert publish(gpt).spec().model.engine == "cloud"
    assert '<option value="cloud" selected>' in page()
    assert KEY not in page()
    assert ".internal" not in page()
    assert "default → cloud" in as_alice.get("/gpts/pump-doctor/history").content.decode()


def test_a_page_from_before_there_was_a_choice_changes_nothing(gpt, offer, as_alice, fields):
    update_gpt(gpt, {"engine": "cloud"}, by=gpt.owner)
    as_alice.post(FORM, fields, headers=JSON)
    gpt.refresh_from_db()
    assert gpt.engine == "cloud"


@pytest.mark.parametrize("name", ["lab", "gone", "default", "<script>", "x" * 41])
def test_a_model_that_is_not_offered_is_refused(gpt, alice, offer, as_alice, fields, name):
    assert list(as_alice.post(FORM, {**fields, "engine": name}, headers=JSON).json()["errors"]) == ["engine"]
    with pytest.raises(ValidationError, match="choose one of: cloud"):
        update_gpt(gpt, {"engine": name}, by=gpt.owner)
    with pytest.raises(ValidationError, match="There is no such model"):
        create_gpt(alice, {"name": "Other", "engine": name})


def test_the_api_refuses_the_same(gpt, alice, offer):
    program = bearer(key_of(alice))
    for send, path in ((program.patch, "/api/gpts/pump-doctor"), (program.post, "/api/gpts")):
        refused = send(path, {"name": "Pumps", "engine": "lab"}, content_type="application/json")
        assert (refused.status_code, "There is no such model." in refused.content.decode()) == (422, True)
    kept = program.patch("/api/gpts/pump-doctor", {"engine": "cloud"}, content_type="application/json")
    assert kept.json()["engine"] == "cloud"


def test_operators_may_choose_more(gpt, alice, offer, page):
    alice.is_staff = True
    alice.save()
    assert '<option value="lab">' in page()


def test_a_model_that_is_gone_is_said_and_kept_until_another_is_chosen(gpt, offer, page, as_alice, fields):
    update_gpt(gpt, {"engine": "cloud"}, by=gpt.owner)
    publish(gpt)
    offer("lab")
    assert "Your admins no longer offer “cloud”, so the default model answers." in page()
    assert as_alice.post(FORM, {**fields, "engine": "cloud"}, headers=JSON).json()["errors"] == {}
    assert as_alice.post(FORM, {**fields, "engine": ""}, headers=JSON).json()["errors"] == {}
    gpt.refresh_from_db()
    assert gpt.engine == ""
    assert restore_version(gpt, 2, by=gpt.owner).engine == "cloud"
    assert "no longer offer “cloud”" in page()


def test_the_line_below_the_chat_names_the_gpts_model(gpt, offer, client, bob):
    update_gpt(gpt, {"engine": "cloud"}, by=gpt.owner)
    publish(gpt)
    client.force_login(bob)
    assert "Answered by cloud." in client.get("/g/pump-doctor/chat").content.decode()
    offer("lab")
    assert "Answered by cloud." not in client.get("/g/pump-doctor/chat").content.decode()


def test_two_models_are_tried_on_the_same_draft(gpt, offer, as_alice, client, bob):
    assert as_alice.get("/gpts/pump-doctor/try?left_engine=cloud").status_code == 200
    sent = {"text": "Which seal?"}
    for engine, kept in (("", ""), ("cloud", "cloud"), ("default", "")):
        url = f"/gpts/pump-doctor/try/start?version=&engine={engine}"
        run = Run.objects.get(id=as_alice.post(url, sent, headers=JSON).json()["run"])
        assert run.version.spec().model.engine == kept
        assert run.message.conversation.origin == "preview"
    for wrong in ("engine=lab", "engine=none", "version=99", "version=x", "version=-1"):
        assert as_alice.post(f"/gpts/pump-doctor/try/start?{wrong}", sent, headers=JSON).status_code == 404, wrong
    client.force_login(bob)
    assert client.post("/gpts/pump-doctor/try/start", sent, headers=JSON).status_code == 404
    gpt.refresh_from_db()
    assert gpt.engine == ""
