"""Every starter of every sample in the store of a new site, asked of the bundled model; every citation, opened."""

import html
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.lab.dialogues import contains
from tests.web.test_samples import ANSWERS, ASKED_ANSWERS, FORMS
from workers.bench.temporary_site import manage, temporary_site, web_server

pytestmark = [pytest.mark.process, pytest.mark.model]

# Of those that are not answered from files: words of the answer.
OTHER_ANSWERS = {
    "What is 3847 * 291?": ("1,119,477",),
    "What is 15 % of 240?": ("36",),
    "How many days are there between 2026-01-15 and 2026-12-24?": ("343",),
    "Plot revenue by month in sales.csv": ("revenue",),
}
EXPECTED = {
    **{starter: (words,) for starter, words in ANSWERS.items()},
    **{starter: tuple(each.values()) for starter, each in ASKED_ANSWERS.items()},
    **OTHER_ANSWERS,
}
NEW_PERSON = """
from django.test import Client
from web.accounts.models import User
from web.accounts.services import create_key
person, client = User.objects.create_user('a@b.ch'), Client()
client.force_login(person)
print(create_key(person, "test")[1], client.cookies["sessionid"].value)
"""
WAIT_S = 240


@contextmanager
def new_site(database_url: str) -> Iterator[httpx.Client]:
    """A site with its samples as the first start makes them, and the client of its only person."""
    with (
        temporary_site(queues=("model", "tools,index"), DATABASE_URL=database_url) as environment,
        web_server(environment, "healthz") as url,
        subprocess.Popen([sys.executable, "-m", "workers.sandbox"], env=environment) as sandbox,
    ):
        try:
            manage(environment, "createsamples", f"--wait={WAIT_S}")
            key, session = manage(environment, "shell", "--verbosity=0", "-c", NEW_PERSON).split()
            headers = {"Authorization": f"Bearer {key}"}
            cookies = {"sessionid": session}
            with httpx.Client(base_url=url, headers=headers, cookies=cookies, trust_env=False, timeout=60) as client:
                yield client
        finally:
            sandbox.terminate()


def ask(client: httpx.Client, slug: str, question: str) -> dict[str, Any]:
    """The finished run of a question."""
    run = client.post(f"/api/gpts/{slug}/runs", json={"text": question}).json()["id"]
    ends = time.monotonic() + WAIT_S
    while (state := client.get(f"/api/runs/{run}").json())["status"] in ("queued", "in_progress"):
        assert time.monotonic() < ends, state
        time.sleep(0.2)
    return state


def plain(text: str) -> str:
    """The words of a text, without its marks and spaces."""
    return "".join(re.findall(r"\w+", html.unescape(text).casefold()))


def wrong_with_citations(client: httpx.Client, run: dict[str, Any]) -> Iterator[str]:
    """Each citation whose quote is not marked where it leads, or that does not say its sentence."""
    for number, each in enumerate(run["citations"]):
        quote, name = each["quote"], each["file_name"]
        page = client.get(f"/runs/{run['id']}/sources/{number}/").raise_for_status().text
        marked = "".join(re.findall(r"<mark[^>]*>(.*?)</mark>", page, re.DOTALL))
        if plain(quote) not in plain(marked):
            yield f"“{quote}” is not marked in {name}"
        sentence = run["answer"][each["answer_start"] : each["answer_end"]]
        said, there = ({*re.findall(r"\w[\w-]*\w", text.casefold())} for text in (sentence, quote))
        lacks_figure = any(word not in there for word in said if any(map(str.isdigit, word)))
        if (len(said & there) < 0.6 * len(said) or lacks_figure) and not contains(quote, sentence):
            yield f"“{sentence}” cites “{quote}” in {name}"


def wrong_with(client: httpx.Client, run: dict[str, Any], question: str) -> Iterator[str]:
    """What is wrong with the answer to a starter."""
    if run["status"] != "completed":
        yield f"{run['status']}: {run.get('error')}"
        return
    text = " ".join([run["answer"], *(each["quote"] for each in run["citations"])])
    yield from (f"lacks “{words}”: {run['answer']!r}" for words in EXPECTED[question] if not contains(text, words))
    if question == "How do I call a GPT from Python?" and "```\nimport os\n" not in run["answer"]:
        yield f"flows code together: {run['answer']!r}"
    if run["coverage"] == "not_covered":
        yield f"declines: {run['answer']!r}"
    yield from wrong_with_citations(client, run)


def test_every_starter_is_answered_and_every_citation_leads_to_its_words(put_tables, tmp_path):
    with new_site(put_tables(tmp_path / "site.sqlite3")) as client:
        shown = client.get("/api/gpts?scope=store&limit=100").json()["items"]
        slugs = {each["slug"] for each in shown}
        wrong = {}
        for slug in sorted(slugs):
            for starter in FORMS[slug]["starters"]:
                if found := list(wrong_with(client, ask(client, slug, starter), starter)):
                    wrong[f"{slug}: {starter}"] = found
    assert slugs == set(FORMS) - {"currency-desk", "picture-maker", "web-scout"}
    assert not wrong
