"""Requests a minute are limited by person or address, and programs are told what is left."""

import openai
import pytest
from django.test import Client

from tests.web.api.conftest import bearer, key_of, live  # noqa: F401
from web import rates


@pytest.fixture(autouse=True)
def clock(monkeypatch) -> None:
    """A quarter into a minute that does not end during a test."""
    monkeypatch.setattr(rates.time, "time", lambda: 60_015.0)


@pytest.mark.django_db
@pytest.mark.usefixtures("with_valkey")
class TestLimits:
    def test_programs_are_told_what_is_left_and_then_when_to_come_again(self, alice, bob, settings):
        settings.API_REQUESTS_A_MINUTE = 2
        first = bearer(key_of(bob)).get("/api/gpts")
        assert first.headers["RateLimit-Policy"] == '"api";q=2;w=60'
        assert first.headers["RateLimit"] == '"api";r=1;t=45'
        assert "x-ratelimit-limit-requests" not in first.headers
        second = bearer(key_of(bob)).get("/v1/models")  # another key of the same person, at the other door
        assert second.headers["x-ratelimit-limit-requests"] == "2"
        assert second.headers["x-ratelimit-remaining-requests"] == "0"
        assert second.headers["x-ratelimit-reset-requests"] == "45s"
        for path in ("/api/gpts", "/v1/models"):
            refused = bearer(key_of(bob)).get(path)
            assert (refused.status_code, refused.headers["Retry-After"]) == (429, "45")
            assert refused.headers["RateLimit"] == '"api";r=0;t=45'
            body = refused.json()
            assert body.get("error", body)["code"] == "rate_limit_exceeded"
        assert bearer(key_of(alice)).get("/api/gpts").status_code == 200
        assert Client().get("/api/gpts").status_code == 401  # by address, which nobody else used

    def test_the_next_minute_is_a_new_one(self, client, settings, monkeypatch):
        settings.API_REQUESTS_A_MINUTE = 0
        assert client.get("/api/gpts").status_code == 429
        settings.API_REQUESTS_A_MINUTE = 1
        monkeypatch.setattr(rates.time, "time", lambda: 60_060.0)
        assert client.get("/api/gpts").status_code == 401

    def test_guessing_passwords_is_limited_by_address_with_a_page(self, client, bob, settings):
        settings.SIGN_INS_A_MINUTE = 2
        form = {"login": bob.email, "password": "wrong"}
        answers = [client.post("/account/login/", form, headers={"Accept": "text/html"}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert "Try again in 45 s." in answers[-1].content.decode()
        assert client.get("/account/login/").status_code == 200
        assert client.post("/account/signup/", {}).status_code == 429
        assert client.post("/account/login/", form, REMOTE_ADDR="10.0.0.9").status_code == 200

    def test_what_one_person_sends_from_pages_is_limited_too(self, bob, charlie, client, settings):
        settings.CHANGES_A_MINUTE = 2
        as_bob, as_charlie = Client(), Client()
        as_bob.force_login(bob)
        as_charlie.force_login(charlie)
        assert [as_bob.post("/projects/").status_code for _ in range(3)][2:] == [429]
        assert as_charlie.post("/projects/").status_code != 429
        assert as_bob.get("/").status_code == 200
        assert [client.post("/join/unknown/").status_code for _ in range(3)] == [410] * 3

    def test_a_class_that_joins_at_once_from_one_address_waits_for_nothing(self, client, db, settings):
        settings.SIGN_INS_A_MINUTE, link = 1, "/join/a-link-that-nobody-guesses/"
        assert [client.post(link).status_code for _ in range(3)] == [410, 410, 410]
        assert 429 not in {client.post("/account/confirm-email/x:y/").status_code for _ in range(3)}
        assert [client.post("/account/signup/").status_code for _ in range(2)] == [200, 429]

    def test_uploads_and_searches_have_limits_of_their_own(self, client, bob, settings):
        settings.UPLOADS_A_MINUTE = settings.SEARCHES_A_MINUTE = settings.SHARES_A_MINUTE = 1
        client.force_login(bob)
        assert [client.post("/files/attach").status_code for _ in range(2)] == [400, 429]
        assert [client.post(path).status_code for path in ("/import/", "/api/import")] == [429, 429]
        assert [client.get("/?q=pump").status_code for _ in range(2)] == [200, 429]
        asked = ("/gpts/mine/people?see=a@example.org", "/api/gpts/mine/access?email=a@example.org")
        assert [client.get(path).status_code for path in asked] == [404, 429]
        assert [client.post(path).status_code for path in ("/gpts/mine/people", "/api/gpts/mine/shares")] == [
            429,
            429,
        ]
        assert client.get("/gpts/mine/people").status_code == 404
        script = client.get("/g/mentionable?q=p", headers={"Accept": "application/json"})
        assert (script.status_code, script.json()) == (429, {"error": "Too many requests. Try again in 45 s."})
        assert client.get("/").status_code == 200

    def test_a_limit_can_be_off(self, client, settings):
        settings.API_REQUESTS_A_MINUTE = None
        assert "RateLimit" not in client.get("/api/gpts").headers


@pytest.mark.django_db
def test_without_redis_nothing_is_refused(client, settings):
    settings.API_REQUESTS_A_MINUTE = 0
    assert client.get("/api/gpts").status_code == 401


@pytest.mark.process
def test_the_official_client_waits_as_told_tries_twice_more_and_then_says_so(
    live,  # noqa: F811
    bob,
    settings,
    monkeypatch,
):
    settings.API_REQUESTS_A_MINUTE = 0
    slept: list[float] = []
    client = openai.OpenAI(base_url=f"{live}/v1", api_key=key_of(bob), timeout=20)
    monkeypatch.setattr("openai._base_client.time.sleep", slept.append)
    with pytest.raises(openai.RateLimitError, match="Try again in 45 s") as refused:
        client.models.list()
    assert (refused.value.code, refused.value.type) == ("rate_limit_exceeded", "rate_limit_error")
    assert slept == [45, 45]
