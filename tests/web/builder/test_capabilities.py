"""Capabilities are switched on in the draft, published with it, restored with it, and told to those who chat."""

import pytest
from django.core.exceptions import ValidationError

from gpts.spec.gpt import GptSpec
from tests.publishing import publish
from web.accounts.models import User
from web.builder.services import update_gpt
from web.builder.versions import preview_version, restore_version
from workers.configuration import tool_settings
from workers.tools import granted

from .conftest import JSON


def test_the_form_switches_capabilities_on_and_off(as_alice, gpt, fields):
    as_alice.post(
        "/gpts/pump-doctor/edit", {**fields, "capabilities": ["web_browsing", "code_interpreter"]}, headers=JSON
    )
    gpt.refresh_from_db()
    assert gpt.capabilities == ["web_browsing", "code_interpreter"]
    assert preview_version(gpt).spec().capabilities == ("web_browsing", "code_interpreter")
    assert gpt.published.spec().capabilities == ()
    as_alice.post("/gpts/pump-doctor/edit", fields, headers=JSON)
    gpt.refresh_from_db()
    assert gpt.capabilities == []


def test_a_capability_that_there_is_none_of_is_refused(as_alice, gpt, fields):
    answer = as_alice.post("/gpts/pump-doctor/edit", {**fields, "capabilities": ["time_travel"]}, headers=JSON)
    assert list(answer.json()["errors"]) == ["capabilities"]
    for wrong in (["time_travel"], "web_browsing", ["web_browsing", "web_browsing"]):
        with pytest.raises(ValidationError):
            update_gpt(gpt, {"capabilities": wrong}, by=gpt.owner)


def test_a_restored_version_has_its_capabilities_again(gpt):
    publish(update_gpt(gpt, {"capabilities": ["image_generation"]}, by=gpt.owner))
    update_gpt(gpt, {"capabilities": []}, by=gpt.owner)
    assert restore_version(gpt, 2, by=gpt.owner).capabilities == ["image_generation"]


def test_a_capability_that_cannot_work_here_is_offered_to_admins_and_shown_where_it_is_on(
    as_alice, alice, gpt, monkeypatch
):
    reason = "No picture model is set. Set IMAGE_MODEL to a local model directory."
    monkeypatch.setattr("web.chat.templatetags.chat.missing_capabilities", lambda: {"image_generation": reason})

    def form() -> tuple[int, bool, bool]:
        shown = as_alice.get("/gpts/pump-doctor/edit").content.decode()
        return shown.count(reason), 'value="image_generation"' in shown, "Generate picture" in shown

    assert form() == (0, False, False)
    update_gpt(gpt, {"capabilities": ["image_generation"]}, by=alice)
    assert form() == (1, True, False)
    User.objects.filter(id=alice.id).update(is_staff=True)
    assert form() == (2, True, False)


def test_the_page_of_a_gpt_tells_what_it_can_do(client, gpt):
    publish(update_gpt(gpt, {"capabilities": ["code_interpreter"]}, by=gpt.owner))
    shown = client.get("/g/pump-doctor/").content.decode()
    assert "Code interpreter" in shown
    assert "No other access" in shown


def test_the_page_of_a_gpt_marks_what_is_not_set_up_here(client, gpt, alice, settings):
    settings.IMAGE_MODEL = settings.IMAGE_URL = settings.SEARCH_PROVIDER = ""
    settings.SANDBOX = "auto"
    publish(update_gpt(gpt, {"capabilities": ["code_interpreter", "image_generation"]}, by=gpt.owner))

    def marks() -> tuple[int, bool]:
        shown = client.get("/g/pump-doctor/").content.decode()
        return shown.count("Not set up on this site"), "Set up</a>" in shown

    assert marks() == (1, False)
    settings.SANDBOX = "off"
    assert marks() == (2, False)
    User.objects.filter(id=alice.id).update(is_staff=True)
    client.force_login(alice)
    assert marks() == (2, True)
    settings.SANDBOX, settings.IMAGE_URL = "auto", "http://127.0.0.1:8080/v1"
    assert marks() == (0, False)


def test_no_model_is_offered_what_is_not_set_up_here(settings):
    spec = GptSpec(slug="x", name="X", capabilities=("code_interpreter", "image_generation", "web_browsing"))
    settings.IMAGE_MODEL = settings.IMAGE_URL = settings.SEARCH_PROVIDER = ""
    settings.SANDBOX = "off"
    assert granted(spec, tool_settings()).keys() == {"open_page"}
    settings.IMAGE_URL, settings.SEARCH_PROVIDER, settings.SANDBOX = "http://127.0.0.1:8080/v1", "duckduckgo", "auto"
    assert granted(spec, tool_settings()).keys() == {"open_page", "web_search", "make_image", "code_interpreter"}


def test_the_api_changes_and_tells_capabilities(as_alice, gpt):
    change = {"capabilities": ["web_browsing"]}
    answer = as_alice.patch("/api/gpts/pump-doctor", change, content_type="application/json")
    assert answer.json()["capabilities"] == ["web_browsing"]
    wrong = as_alice.patch("/api/gpts/pump-doctor", {"capabilities": ["x"]}, content_type="application/json")
    assert wrong.status_code == 422
