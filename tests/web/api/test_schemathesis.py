"""Both OpenAPI documents against the site that they describe: schemathesis makes requests up from them."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from queue import Empty

import pytest
from django.urls import reverse

from tests.web.access_scene import Scene, build
from tests.web.api.conftest import Worker
from web.api.native import native
from web.api.v1 import v1
from web.builder.models import Gpt
from web.runs.errors import LeaseLost, RunOver

pytestmark = pytest.mark.process

PROGRAM = Path(sys.executable).with_name("schemathesis")
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,ignored_auth"
)
# Their bodies are those of POST /v1/responses, /v1/messages, /v1/conversations, /api/gpts and its sources, which are
# sent in hundreds of forms: three each are enough here.
SENT_ELSEWHERE = (
    "POST /v1/responses/input_tokens",
    "POST /v1/messages/count_tokens",
    "POST /v1/conversations/{conversation_id}/items",
    "PATCH /api/gpts/{slug}",
    "PATCH /api/gpts/{slug}/sources/{source_id}",
)
LIMIT_S = 600


@pytest.fixture
def scene(live, settings, tmp_path) -> Scene:
    """All objects of the access matrix, Bob's."""
    settings.API_REQUESTS_A_MINUTE = settings.UPLOADS_A_MINUTE = None
    settings.MAX_ACTIVE_RUNS, settings.MEDIA_ROOT = 10_000, tmp_path
    scene = build()
    Gpt.objects.update(owner=scene.people["chatter"])
    return scene


@pytest.fixture
def answered(scene: Scene, worker: Worker) -> Iterator[None]:
    """Every run from now on is answered."""
    over = threading.Event()

    def answer() -> None:
        while not over.is_set():
            try:
                worker.run_id = worker.next_run()
                worker.retake()
                worker.finish()
            except (Empty, LeaseLost, RunOver):  # stopped meanwhile
                continue

    worker.patience_s = 0.5
    thread = threading.Thread(target=answer)
    thread.start()
    yield
    over.set()
    thread.join(timeout=30)


def told(scene: Scene, paths: Iterable[str]) -> str:
    """The configuration that tells schemathesis what there is: it would not guess an id."""
    lines = ["[checks.not_a_server_error]", 'expected-statuses = ["1xx", "2xx", "3xx", "4xx", 503]  # no workers']
    lines += ["[phases.coverage]", "unexpected-methods = []  # which the access matrix asks for"]
    for name in SENT_ELSEWHERE:
        lines += ["[[operations]]", f'include-name = "{name}"', "[operations.phases.coverage]", "enabled = false"]
    for path in paths:
        pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path)
        filled = re.fullmatch(pattern, scene.path(path.replace("{", "<").replace("}", ">")))
        if filled and filled.groups():
            lines += ["[[operations]]", f'include-path = "{path}"', "[operations.parameters]"]
            lines += [f'"path.{name}" = {json.dumps(value)}' for name, value in filled.groupdict().items()]
    return "\n".join(lines)


@pytest.mark.parametrize("api", [v1, native], ids=["v1", "api"])
def test_every_answer_is_as_the_document_says(live, scene, answered, tmp_path, api):
    (tmp_path / "schemathesis.toml").write_text(told(scene, api.get_openapi_schema()["paths"]))
    options = {
        "header": f"Authorization: Bearer {scene.keys['chatter']}",
        "exclude-operation-id": "delete_gpt",  # with which all else would go
        "phases": "examples,coverage,fuzzing",
        "max-examples": "3",
        "seed": "1",
        "request-timeout": "20",
        "warnings": "off",
        "checks": CHECKS,
    }
    command = [str(PROGRAM), "run", live + reverse(f"{api.urls_namespace}:openapi-json"), "--continue-on-failure"]
    command += [word for name, value in options.items() for word in (f"--{name}", value)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
