"""`manage.py ask` against a live site."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from tests.web.api.conftest import ANSWER, QUOTE, key_of
from web.accounts.models import ApiKey

pytestmark = pytest.mark.process


def ask(*arguments: str) -> str:
    out = io.StringIO()
    call_command("ask", *arguments, stdout=out)
    return out.getvalue()


def test_it_prints_the_answer_its_citations_steps_and_times(live, gpt, alice, worker, meanwhile):
    meanwhile(worker.answer)
    text = ask("pump-doctor", "Which seal?", "--url", live, "--key", key_of(alice))
    assert text.startswith(ANSWER + "\n")
    assert f"[1] manual.pdf, page 7: “{QUOTE}”" in text
    assert "Steps: user_message → retrieval → model_reply → finished" in text
    assert "s to the first token" in text


def test_json_is_one_object_for_programs(live, gpt, alice, worker, meanwhile):
    meanwhile(worker.answer)
    result = json.loads(ask("pump-doctor", "Which seal?", "--json", "--url", live, "--key", key_of(alice)))
    assert result["answer"] == ANSWER
    assert result["citations"][0]["quote"] == QUOTE
    assert [step["kind"] for step in result["steps"]][-1] == "finished"
    assert 0 < result["first_token_ms"] <= result["total_ms"]
    assert result["usage"]["completion_tokens"] == 9


def test_on_the_sites_own_machine_it_needs_no_key_and_leaves_none(live, gpt, alice, worker, meanwhile, monkeypatch):
    monkeypatch.delenv("GUILDHALL_KEY", raising=False)
    with pytest.raises(CommandError, match="no admin account"):
        ask("pump-doctor", "Which seal?", "--url", live)
    alice.is_staff = True
    alice.save()
    meanwhile(worker.answer)
    assert ask("pump-doctor", "Which seal?", "--url", live).startswith(ANSWER)
    assert ApiKey.objects.get().revoked


def test_an_unknown_slug_a_failure_and_a_site_that_is_down_are_sentences(live, gpt, alice, worker, meanwhile):
    key = key_of(alice)
    with pytest.raises(CommandError, match="Model “nothing” not found"):
        ask("nothing", "Which seal?", "--url", live, "--key", key)
    with pytest.raises(CommandError, match="valid API key"):
        ask("pump-doctor", "Which seal?", "--url", live, "--key", "gh_wrong")

    def fail() -> None:
        worker.take()
        worker.fail("The model is gone.")

    meanwhile(fail)
    with pytest.raises(CommandError, match=r"The model is gone\."):
        ask("pump-doctor", "Which seal?", "--url", live, "--key", key)
    with pytest.raises(CommandError, match=r"Can't connect to http://127.0.0.1:1\. Start the site"):
        ask("pump-doctor", "Which seal?", "--url", "http://127.0.0.1:1", "--key", key)
