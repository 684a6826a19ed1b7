"""The line on pages that says which model answers, and what a starter cannot do."""

import pytest
from django.urls import reverse

from web.operate.services import save_measurement, seen_model

pytestmark = pytest.mark.django_db


def test_nothing_is_said_before_a_model_was_loaded(client, bob):
    client.force_login(bob)
    assert "model-notice" not in client.get(reverse("store")).content.decode()


def test_a_starter_says_what_it_cannot_do(client, bob):
    save_measurement(seen_model("a", "bundled"), {}, {"writes_from_sources": False}, 1.0)
    client.force_login(bob)
    page = client.get(reverse("store")).content.decode()
    assert "SmolLM2-135M-Instruct is a starter model" in page
    assert "Get a better model" not in page


def test_an_operator_is_told_where_to_change_that(client, alice):
    alice.is_staff = True
    alice.save()
    save_measurement(seen_model("a", "bundled"), {}, {"writes_from_sources": False}, 1.0)
    client.force_login(alice)
    assert reverse("operate_models") in client.get(reverse("store")).content.decode()


def test_a_capable_model_is_named(client, bob):
    save_measurement(seen_model("a", "Qwen3-32B"), {}, {"writes_from_sources": True}, 1.0)
    client.force_login(bob)
    page = client.get(reverse("store")).content.decode()
    assert "Answered by Qwen3-32B" in page
    assert "starter" not in page
