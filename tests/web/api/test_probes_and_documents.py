"""/healthz, /readyz, the OpenAPI documents and the reference page."""

import re
import time

import jsonschema
import pytest
import redis
from django.contrib.staticfiles import finders
from django.db import DatabaseError

from tests.lab import coverage
from web.api.apis import EXAMPLES, _objects
from web.api.native import native
from web.api.v1 import v1
from web.runs import stream


@pytest.mark.django_db(transaction=True)
def test_healthz_says_that_the_site_is_up(client):
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_healthz_is_503_without_a_database(client, monkeypatch):
    def broken() -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr("web.api.health._query_database", broken)
    assert client.get("/healthz").status_code == 503


@pytest.mark.process
def test_readyz_waits_for_a_worker_with_its_model(client, with_valkey):
    response = client.get("/readyz")
    assert (response.status_code, response.json()["reason"]) == (503, "No model worker has loaded its model.")

    stream.announce_model("SmolLM2-135M-Instruct")
    first = client.get("/readyz")
    assert (first.status_code, first.json()["model"]) == (200, "SmolLM2-135M-Instruct")
    assert 0 < stream._client().ttl(stream.MODEL_KEY) <= 30

    stream.announce_model("SmolLM2-135M-Instruct")
    assert client.get("/readyz").json()["since"] == first.json()["since"]
    stream.announce_model("other")
    assert client.get("/readyz").json()["model"] == "other"


def test_readyz_is_503_at_once_with_redis_away(client):
    stream._client.cache_clear()
    started = time.monotonic()
    response = client.get("/readyz")
    assert (response.status_code, response.json()["reason"]) == (503, "Redis is not responding.")
    assert time.monotonic() - started < 2.5
    with pytest.raises(redis.RedisError):
        stream.model_worker()
    stream._client.cache_clear()


@pytest.mark.parametrize("api", [v1, native])
def test_a_document_says_what_every_operation_gives_and_how_it_is_opened(api):
    document = api.get_openapi_schema()
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["security"]
            assert operation["description"]
            assert 401 in operation["responses"]
            assert operation["responses"]["default"]["content"] == operation["responses"][401]["content"]
            assert any(str(status).startswith("2") for status in operation["responses"])
    names = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("api", [v1, native])
def test_a_document_has_what_linters_and_generators_of_clients_look_for(api, settings):
    document = api.get_openapi_schema()
    assert document["servers"] == [{"url": settings.SITE_URL}]
    assert document["info"]["license"]["identifier"] == "Apache-2.0"
    parts, used = list(_objects(document)), set()
    for part in parts:
        assert part.get("type") != "array" or part["items"]
        used.add(part.get("$ref"))
        if "mapping" in (discriminator := part.get("discriminator") or {}):
            for name in discriminator["mapping"].values():
                schema = document["components"]["schemas"][name.rpartition("/")[2]]
                assert discriminator["propertyName"] in schema["required"]
    assert {f"#/components/schemas/{name}" for name in document["components"]["schemas"]} <= used
    tags = {name for part in parts if "operationId" in part for name in part.get("tags", ())}
    assert tags == {tag["name"] for tag in document["tags"]}


@pytest.mark.parametrize("name", EXAMPLES)
def test_bodies_of_a_creators_day_have_an_example_that_fits_them(name):
    components = native.get_openapi_schema()["components"]
    schema = components["schemas"][name]
    (example,) = schema["examples"]
    assert example.keys() <= schema["properties"].keys()
    jsonschema.validate(example, {**schema, "components": components})


def test_the_documents_are_built_once(client, monkeypatch):
    first = client.get("/api/openapi.json").content
    monkeypatch.setattr("ninja.main.get_schema", lambda **_: pytest.fail("built again"))
    assert client.get("/api/openapi.json").content == first


def test_the_document_says_what_is_honoured():
    text = v1.get_openapi_schema()["paths"]["/v1/chat/completions"]["post"]["description"]
    assert "`temperature`" in text
    assert "`response_format`" in text


@pytest.mark.django_db
def test_the_reference_page_leads_to_every_document_and_runs_scripts_of_this_site_only(client, settings):
    page = client.get("/api/docs")
    text = page.content.decode()
    assert page.status_code == 200
    assert "style=" not in text
    for document in re.findall(r'data-document="([^"]+)"', text):
        assert client.get(document).json()["paths"]
    scripts = re.findall(r"<script[^>]*>", text)
    assert [script for script in scripts if "swagger-ui-bundle.js" in script]
    for address in [re.search(r' src="([^"]+)"', script)[1] for script in scripts]:
        assert address.startswith(settings.STATIC_URL)
        assert finders.find(address.removeprefix(settings.STATIC_URL))


def test_the_documentation_says_how_much_of_openais_api_there_is(settings):
    page = (settings.REPOSITORY / "platform/web/docs/pages/api.md").read_text()
    counts = coverage.report({}, print)["operations"]
    assert counts["Files"] == {"there": 5, "of": 5}
    for name, each in counts.items():
        row = "| {} | {there} of {of} |" if each["there"] else "{} ({of})"
        said = row.format(name if each["there"] else name.lower(), **each)
        assert said in page, f"`python -m tests.lab coverage` counts {said}"
