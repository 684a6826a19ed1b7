"""`/v1/embeddings`, by the official client and the bundled embedder."""

import asyncio
import base64
import threading
from types import SimpleNamespace

import numpy as np
import openai
import pytest
from openai import OpenAI

from tests.web.api.conftest import bearer, key_of
from tests.web.api.in_process import openai_client, workers  # noqa: F401 (a fixture)
from web import rpc
from web.accounts import quotas
from web.accounts.models import User
from web.admission import Admission, Line
from web.api import embeddings, worker_turns
from web.rpc import NoResult
from workers.indexing import files as indexing

MODEL = "all-MiniLM-L6-v2"
TEXTS = ["The seal leaks.", "Die Dichtung ist undicht.", "密封件漏水。", "x " * 700, " ", "a"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bobs(bob, workers) -> OpenAI:  # noqa: F811
    return openai_client(bob)


def vectors_of(made: openai.types.CreateEmbeddingResponse) -> np.ndarray:
    assert [each.index for each in made.data] == list(range(len(made.data)))
    return np.asarray([each.embedding for each in made.data], np.float32)


def test_each_text_has_the_vector_by_which_files_are_searched_in_its_place(bobs, bob, workers):  # noqa: F811
    expected = indexing.embedder().encode(TEXTS)
    for asked in ({}, {"encoding_format": "float"}, {"encoding_format": "base64"}):
        made = bobs.embeddings.create(model=MODEL, input=TEXTS, **asked)
        if asked.get("encoding_format") == "base64":
            found = np.stack([np.frombuffer(base64.b64decode(each.embedding), "<f4") for each in made.data])
        else:
            found = vectors_of(made)
        assert found.shape == (len(TEXTS), 384)
        assert (found * expected).sum(axis=1) == pytest.approx(1, abs=1e-2)  # batches differ in their last bits
        assert made.model == MODEL
        n_tokens = sum(indexing.embedder().count_tokens(TEXTS))
        assert (made.usage.prompt_tokens, made.usage.total_tokens) == (n_tokens, n_tokens)
    one = bobs.embeddings.create(model=MODEL, input=TEXTS[0])
    assert vectors_of(one)[0] @ expected[0] == pytest.approx(1, abs=1e-2)
    assert {queue for _, queue, *_ in workers} == {"index"}
    assert quotas.used_today(bob.pk)["tokens"] == 3 * n_tokens + one.usage.total_tokens


def test_fewer_dimensions_are_the_first_ones_at_length_one(bobs):
    whole = vectors_of(bobs.embeddings.create(model=MODEL, input="A pump."))[0][:32]
    short = vectors_of(bobs.embeddings.create(model=MODEL, input="A pump.", dimensions=32))[0]
    assert short == pytest.approx(whole / np.linalg.norm(whole), abs=1e-5)


@pytest.mark.parametrize(
    ("wrong", "param", "code"),
    [
        ({"input": []}, "input", "invalid_value"),
        ({"input": ""}, "input", "invalid_value"),
        ({"input": ["a", ""]}, "input", "invalid_value"),
        ({"input": ["a"] * 2_049}, "input", "invalid_value"),
        ({"input": [1_209, 318]}, "input", "unsupported_value"),
        ({"input": [[1_209, 318], [4]]}, "input", "unsupported_value"),
        ({"input": ["a", 5]}, "input", "unsupported_value"),
        ({"input": "seal " * 8_193}, "input", "context_length_exceeded"),
        ({"input": "a", "dimensions": 385}, "dimensions", "invalid_value"),
        ({"input": "a", "dimensions": 0}, "dimensions", "invalid"),
        ({"input": "a", "encoding_format": "int8"}, "encoding_format", "invalid"),
        ({"input": "a\x00b"}, "input", "invalid"),
        ({"input": {"text": "a"}}, "input", "invalid"),
        ({"input": None}, "input", "invalid"),
    ],
)
def test_what_cannot_be_embedded_as_sent_is_refused_not_cut(bobs, wrong, param, code):
    with pytest.raises(openai.BadRequestError) as refused:
        bobs.embeddings.create(model=MODEL, **wrong)
    assert (refused.value.param, refused.value.code) == (param, code)


def test_the_error_for_a_long_text_names_its_place_and_a_request_has_a_limit_too(bobs, bob, monkeypatch):
    with pytest.raises(openai.BadRequestError, match=r"Text 1 .* 9,000 tokens"):
        bobs.embeddings.create(model=MODEL, input=["short", "seal " * 9_000])
    monkeypatch.setattr(embeddings, "MAX_TOKENS", 20)
    monkeypatch.setattr(embeddings, "PIECE_TEXTS", 2)
    before = quotas.used_today(bob.pk).get("tokens", 0)
    with pytest.raises(openai.BadRequestError) as refused:
        bobs.embeddings.create(model=MODEL, input=["seal kit " * 5] * 10)
    assert refused.value.code == "max_tokens_per_request"
    assert quotas.used_today(bob.pk)["tokens"] > before  # what was computed counts


def test_an_unknown_model_is_not_found_and_the_error_names_the_site_s_own(bobs, gpt):
    for name in ("text-embedding-3-small", gpt.slug):
        with pytest.raises(openai.NotFoundError, match=MODEL) as refused:
            bobs.embeddings.create(model=name, input="a")
        assert refused.value.code == "model_not_found"
    found = bobs.models.retrieve(MODEL)
    assert (found.id, found.context_window) == (MODEL, 8_192)
    assert MODEL not in [each.id for each in bobs.models.list()]


def test_over_the_quota_nothing_is_computed(bobs, bob, workers):  # noqa: F811
    quotas.set_limit("tokens", 5, bob)
    quotas.add(bob.pk, "tokens", 5)
    with pytest.raises(openai.RateLimitError) as refused:
        bobs.embeddings.create(model=MODEL, input="a")
    assert refused.value.code == "insufficient_quota"
    assert workers == []


def test_without_a_worker_it_says_when_to_try_again_and_malformed_bodies_are_the_caller_s_mistake(bob, monkeypatch):
    def nobody(*_, **__):
        raise NoResult(rpc.TOO_LATE)

    monkeypatch.setattr(rpc, "call", nobody)
    client, url = bearer(key_of(bob)), "/v1/embeddings"
    body = {"model": MODEL, "input": "a"}
    answer = client.post(url, body, content_type="application/json")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json()["error"]["code"] == "workers_away"
    for sent in ('{"model":', "[]", "null", '{"model": "a", "input": "\\ud800"}', '"a"'):
        answer = client.post(url, sent, content_type="application/json")
        assert answer.status_code == 400
        assert answer.json()["error"]["type"] == "invalid_request_error"


def test_many_pieces_of_one_person_do_not_hold_up_another_s_one(monkeypatch):
    order: list[str] = []
    alice_waits = threading.Event()

    def call(task: str, who: str, **_: object) -> dict[str, object]:
        assert alice_waits.wait(10)  # Bob's first two pieces compute until then
        order.append(who)
        return {}

    async def wait(line: Line) -> None:
        waiting = asyncio.create_task(admission.wait(line))
        if line.who == "person-2":
            await asyncio.sleep(0)
            alice_waits.set()
        await waiting

    admission = Admission(worker_turns.AT_ONCE, of_line=worker_turns.AT_ONCE)
    monkeypatch.setattr(rpc, "call", call)
    monkeypatch.setattr(worker_turns, "_turns", SimpleNamespace(wait=wait, leave=admission.leave))

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(worker_turns.compute(User(pk=1), "task", [("bob",)] * 30, lambda *_: None))
            group.create_task(worker_turns.compute(User(pk=2), "task", [("alice",)], lambda *_: None))

    asyncio.run(both())
    assert len(order) == 31
    assert order.index("alice") <= 3
