"""Mentions over both APIs: who answers is said, and nobody learns of a GPT that they may not use."""

import openai
import pytest

from gpts.runs.steps import Finished
from tests.publishing import publish
from tests.web.api.conftest import bearer, key_of
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.services import create_gpt, delete_gpt, set_sharing
from web.runs import log
from web.runs.models import Conversation, Run


@pytest.fixture
def clerk(gpt, alice) -> Gpt:
    clerk = create_gpt(alice, {"name": "Tax Clerk"})
    publish(clerk, Sharing.STORE)
    return clerk


@pytest.fixture
def api(bob):
    return bearer(key_of(bob))


def ask(api, gpt, **told):
    told = {"text": "How much?", **told}
    return api.post(f"/api/gpts/{gpt.slug}/runs", told, content_type="application/json")


def end() -> None:
    log.append(Run.objects.latest("created").id, Finished(text="A third."))


def test_a_run_says_who_answers_and_its_conversation_whose_it_is(api, gpt, clerk):
    run = ask(api, gpt, mention="tax-clerk", stay=True).json()
    assert run["gpt"] == "tax-clerk"
    end()
    address = f"/api/conversations/{run['conversation']}"
    shown = api.get(address).json()
    assert (shown["gpt"], shown["guest"], shown["messages"][0]["gpt"]) == ("pump-doctor", "tax-clerk", "tax-clerk")
    assert api.get("/api/conversations").json()["items"][0]["guest"] == "tax-clerk"
    assert api.delete(f"{address}/guest").status_code == 204
    assert api.get(address).json()["guest"] is None
    assert ask(api, gpt, conversation=run["conversation"]).json()["gpt"] == "pump-doctor"


def test_a_text_mentions_too(api, gpt, clerk):
    assert ask(api, gpt, text="@Tax Clerk how much?").json()["gpt"] == "tax-clerk"


def test_what_one_may_not_use_is_not_there(api, gpt, clerk):
    set_sharing(clerk, Sharing.ME, by=clerk.owner)
    for slug in ("tax-clerk", "nothing"):
        response = ask(api, gpt, mention=slug)
        assert response.status_code == 400
        assert response.json()["detail"] == f"GPT “{slug}” not found, or you don’t have access to it."
    assert not Conversation.objects.exists()


def test_a_guest_that_is_gone_is_dismissed_for_good(api, gpt, clerk):
    run = ask(api, gpt, mention="tax-clerk", stay=True).json()
    end()
    delete_gpt(clerk)
    assert ask(api, gpt, conversation=run["conversation"]).status_code == 409
    assert ask(api, gpt, conversation=run["conversation"]).json()["gpt"] == "pump-doctor"


class TestCompletions:
    """The model stays the one that was asked; `guildhall.gpt` says who answered."""

    @pytest.fixture
    def client(self, live, bob):
        with openai.OpenAI(base_url=f"{live}/v1", api_key=key_of(bob), max_retries=0) as client:
            yield client

    def ask(self, client, text: str, **told):
        return client.chat.completions.create(
            model="pump-doctor", messages=[{"role": "user", "content": text}], **told
        )

    @pytest.mark.parametrize(("text", "slug"), [("@tax-clerk hi", "tax-clerk"), ("@nobody hi", "pump-doctor")])
    def test_a_last_message_brings_one_in(self, client, clerk, worker, meanwhile, text, slug):
        meanwhile(worker.answer)
        answer = self.ask(client, text)
        assert (answer.model, answer.guildhall["gpt"]) == ("pump-doctor", slug)

    def test_a_stream_says_so_too(self, client, clerk, worker, meanwhile):
        meanwhile(worker.answer)
        chunks = list(self.ask(client, "@tax-clerk hi", stream=True))
        assert {(chunk.model, chunk.guildhall["gpt"]) for chunk in chunks} == {("pump-doctor", "tax-clerk")}
