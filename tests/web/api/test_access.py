"""A browser's session opens /api, writes only with its CSRF token. The rest of access is in test_access_matrix.py."""

import pytest
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client


@pytest.fixture
def browser(alice) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    return client


def test_reading_needs_only_the_session(browser):
    assert browser.get("/api/gpts").status_code == 200


def test_writing_without_the_token_is_refused(browser):
    response = browser.post("/api/gpts", {"name": "New"}, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (403, "csrf")


def test_writing_with_the_token_works(browser):
    token = browser.cookies["csrftoken"] = _get_new_csrf_string()
    headers = {"X-CSRFToken": token}
    response = browser.post("/api/gpts", {"name": "New"}, content_type="application/json", headers=headers)
    assert response.status_code == 201


def test_a_bad_key_is_not_helped_by_a_session(browser):
    assert browser.get("/api/gpts", headers={"Authorization": "Bearer gh_wrong"}).status_code == 401


def test_it_does_not_open_v1(browser):
    assert browser.get("/v1/models").status_code == 401
