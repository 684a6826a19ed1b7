"""The code that people copy, from the documentation and from the page of a GPT, run as it stands there."""

import os
import re
import shutil
import subprocess
import sys
from html import unescape

import pytest
from django.conf import settings as django_settings
from django.test import Client

from tests.publishing import publish
from tests.web.api.conftest import ANSWER, key_of
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.runs.models import Message

pytestmark = pytest.mark.process

NODE = ["node", "--input-type=module", "-e"]
PROGRAMS = {"curl": ["bash", "-c"], "python": [sys.executable, "-c"], "javascript": NODE}
STARTER = """Why "does" it\\leak, Bob's $HOME `pump` – {x} </pre>?"""


def run(language: str, code: str, key: str) -> str:
    """What the code prints."""
    if not shutil.which(PROGRAMS[language][0]):
        pytest.skip(f"there is no {PROGRAMS[language][0]} here")
    environment = {"PATH": os.environ["PATH"], "GUILDHALL_KEY": key}
    done = subprocess.run(
        [*PROGRAMS[language], code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("language", PROGRAMS)
def test_the_code_on_the_page_of_a_gpt_asks_it_its_first_starter(
    live, gpt, bob, worker, meanwhile, settings, language
):
    settings.SITE_URL = live
    Gpt.objects.update(starters=[STARTER])
    gpt.refresh_from_db()
    publish(gpt, Sharing.STORE)
    page = Client().get("/g/pump-doctor/").content.decode()
    code = unescape(re.search(rf'<pre id="code-{language}"[^>]*>(.*?)</pre>', page, re.DOTALL)[1])
    meanwhile(worker.answer)

    assert ANSWER in run(language, code, key_of(bob))
    assert Message.objects.get().text == STARTER


@pytest.mark.parametrize(("language", "fence"), [("curl", "sh"), ("python", "python"), ("javascript", "js")])
def test_the_code_of_the_documentation_runs(live, gpt, bob, worker, meanwhile, language, fence):
    text = (django_settings.REPOSITORY / "platform/web/docs/pages/api.md").read_text()
    [code] = [code for code in re.findall(rf"```{fence}\n(.*?)```", text, re.DOTALL) if "chat" in code]
    meanwhile(worker.answer)

    assert ANSWER in run(language, code.replace("http://127.0.0.1:8000", live), key_of(bob))
