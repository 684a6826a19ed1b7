"""A whole site with a GPT that has knowledge, a delegate and the caller's tools, and clients as their users run them.

Each client is a script, in an environment that `deploy/check --clients` installs, and prints what it saw as JSON.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.clients.model_server import MODEL, model_server
from workers.bench.temporary_site import manage, temporary_site, web_server

HERE = Path(__file__).parent
# Where `deploy/check --clients` installs them.
INSTALLED = Path(os.environ.get("GUILDHALL_CLIENTS", HERE.parents[1] / "var/clients"))
LIMIT_S = 240
# So that clients call nobody but the site.
QUIET = {
    "DO_NOT_TRACK": "1",
    "OTEL_SDK_DISABLED": "true",
    "HF_HUB_OFFLINE": "1",
    "PI_OFFLINE": "1",
    "CREWAI_DISABLE_TELEMETRY": "true",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "GRADIO_ANALYTICS_ENABLED": "False",
}


@dataclass(frozen=True)
class Site:
    """The site's address, a key of Bob's, and the GPT's slug."""

    url: str
    key: str
    model: str


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """The running site."""
    able = "calls_tools=yes writes_from_sources=yes"
    with (
        model_server() as model,
        temporary_site(able, ENGINE="remote", ENGINE_URL=model, ENGINE_MODEL=MODEL) as environment,
        web_server(environment) as url,
    ):
        facts = json.loads(manage(environment, "shell", "-v0", "-c", (HERE / "site_setup.py").read_text()))
        yield Site(url, **facts)


@pytest.fixture
def run_client(site: Site):
    """Runs the script of a client, by its path in this folder and its words, and returns what it printed."""

    def run(client: str) -> dict[str, Any]:
        script, *words = client.split()
        path, home = HERE / script, INSTALLED / Path(script).parent
        is_python = path.suffix == ".py"
        program = home / "bin/python" if is_python else home / "node_modules"
        if not program.exists():
            pytest.skip(f"{script} is not installed: run ./deploy/check --clients")
        if not is_python:  # modules are looked up from the script's own place
            path, program = Path(shutil.copy(path, home)), Path("node")
        own = {"PATH": os.environ["PATH"], "HOME": str(INSTALLED), "LLM_USER_PATH": str(INSTALLED / "llm")}
        environment = (
            own
            | QUIET
            | {
                "PYTHONPATH": str(HERE / "shared"),
                "BASE_URL": f"{site.url}/v1",
                "OPENAI_API_KEY": site.key,
                "MODEL": site.model,
            }
        )
        done = subprocess.run(
            [str(program), str(path), *words],
            env=environment,
            cwd=INSTALLED,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        found: dict[str, Any] = json.loads(re.findall(r"^\{.*\}$", done.stdout, re.MULTILINE)[-1])
        return found

    return run
