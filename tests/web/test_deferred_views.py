"""Loading: the SDKs of MCP, A2A and OpenAPI take a second together, and most sites never use them."""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.test import Client

SDKS = ("a2a", "mcp", "openapi_spec_validator", "starlette")


@pytest.mark.parametrize("module", ["web.urls", "workers.tasks"])
def test_neither_pages_nor_workers_load_an_sdk_before_its_first_use(module: str) -> None:
    program = f"import sys, django; django.setup(); import {module}; print({{*{SDKS}}} & {{*sys.modules}})"
    paths = os.pathsep.join(map(str, (settings.REPOSITORY, settings.REPOSITORY / "platform")))
    variables = {**os.environ, "PYTHONPATH": paths, "DJANGO_SETTINGS_MODULE": "web.settings"}
    loaded = subprocess.run(
        [sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "set()"


def test_only_pages_of_people_need_a_token_against_forged_requests(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post("/authorize").status_code == 403
    assert [client.post(path).status_code for path in ("/token", "/revoke", "/register")] == [400, 400, 400]
    assert [client.post(path).status_code for path in ("/mcp", "/a2a/nobody")] == [401, 401]
