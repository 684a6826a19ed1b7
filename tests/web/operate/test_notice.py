"""The line in chats that says which model answers, and what a starter cannot do."""

import pytest
from django.urls import reverse

from web.builder import widgets
from web.engines import ONLY_DEFAULT, NamedEngine
from web.operate.services import save_measurement, seen_model
from web.runs.models import Run

pytestmark = pytest.mark.django_db

STARTER = "SmolLM2-135M-Instruct is a starter model"


def page_for(client, person, gpt) -> str:
    client.force_login(person)
    return client.get(reverse("chat_new", args=[gpt.slug])).content.decode()


def know(fingerprint: str, name: str, writes: bool) -> None:
    save_measurement(seen_model(fingerprint, name), {}, {"writes_from_sources": writes}, 1.0)


def test_nothing_is_said_before_a_model_was_loaded(client, bob, gpt):
    assert "model-notice" not in page_for(client, bob, gpt)


def test_a_starter_says_once_before_a_chat_what_it_cannot_do(client, bob, gpt, run: Run):
    know("a", "bundled", False)
    page = page_for(client, bob, gpt)
    assert page.count(STARTER) == 1
    assert "Get a better model" not in page
    for other in (reverse("store"), reverse("chat", args=[run.message.conversation_id])):
        assert STARTER not in client.get(other).content.decode()


def test_a_comparison_says_it_once(client, alice, gpt):
    know("a", "bundled", False)
    client.force_login(alice)
    assert client.get(reverse("preview_try", args=[gpt.slug])).content.decode().count(STARTER) == 1


def test_a_comparison_of_two_models_says_both(client, alice, gpt, settings):
    know("a", "bundled", False)
    settings.ENGINES = {**ONLY_DEFAULT, "lab": NamedEngine(title="Lab 7B", url="https://lab.example.org/v1")}
    client.force_login(alice)
    page = client.get(reverse("preview_try", args=[gpt.slug]), {"left_engine": "lab"}).content.decode()
    assert (page.count(STARTER), page.count("Answered by Lab 7B")) == (1, 1)


def test_a_customers_widget_never_says_it(client, gpt):
    know("a", "bundled", False)
    widget = widgets.change(gpt, {"is_on": True, "origins": ["https://www.example.org"]})
    page = client.get(f"/embed/{widget.key}/").content.decode()
    assert "Message Pump Doctor" in page
    assert STARTER not in page


def test_an_operator_is_told_where_to_change_that(client, alice, gpt):
    alice.is_staff = True
    alice.save()
    know("a", "bundled", False)
    assert reverse("operate_models") in page_for(client, alice, gpt)


def test_a_capable_model_is_named(client, bob, gpt):
    know("a", "Qwen3-32B", True)
    page = page_for(client, bob, gpt)
    assert "Answered by Qwen3-32B" in page
    assert "starter model" not in page
