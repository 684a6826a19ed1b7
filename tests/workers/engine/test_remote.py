"""How the remote engine speaks to a server, and how it reports each way a server can fail."""

import pytest

from gpts.runs.messages import Picture, PromptMessage
from workers.engine.base import EngineConfig, EngineError, GenerationRequest, PromptTooLong, Sampling
from workers.engine.remote import RemoteEngine

from .conftest import ModelServer

REQUEST = GenerationRequest(
    (PromptMessage(role="user", content="Hello"),), max_tokens=3, sampling=Sampling(0.5, 0.9, 40)
)


def test_it_asks_for_a_stream_with_usage_and_the_sampling(remote: RemoteEngine, model_server: ModelServer) -> None:
    usage = list(remote.stream(REQUEST))[-1].usage
    body = model_server.bodies[0]
    assert body["stream_options"] == {"include_usage": True}
    assert (body["temperature"], body["top_p"], body["top_k"], body["max_tokens"]) == (0.5, 0.9, 40, 3)
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens) == (7, 3, 3)


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
def test_an_error_status_becomes_an_engine_error_with_the_servers_words(
    status: int, remote: RemoteEngine, model_server: ModelServer
) -> None:
    model_server.failure = (status, "the cat sat on it")
    with pytest.raises(EngineError, match=f"{status}.*the cat sat on it"):
        list(remote.stream(REQUEST))


def test_a_refused_context_becomes_prompt_too_long(remote: RemoteEngine, model_server: ModelServer) -> None:
    model_server.failure = (400, "This model's maximum context length is 4096 tokens.")
    with pytest.raises(PromptTooLong):
        list(remote.stream(REQUEST))


def test_a_stream_that_breaks_off_is_an_error_and_no_short_answer(
    remote: RemoteEngine, model_server: ModelServer
) -> None:
    model_server.breaks_off = True
    with pytest.raises(EngineError):
        list(remote.stream(REQUEST))


def test_a_server_that_is_not_there_is_an_error_and_not_ready() -> None:
    engine = RemoteEngine(EngineConfig(engine="remote", remote_url="http://127.0.0.1:9/v1"))
    assert not engine.health().ready
    with pytest.raises(EngineError, match="ConnectError"):
        list(engine.stream(REQUEST))


def test_an_empty_address_is_refused_with_a_sentence() -> None:
    with pytest.raises(EngineError, match="ENGINE_URL"):
        RemoteEngine(EngineConfig(engine="remote"))


def test_pictures_go_as_content_parts_and_count(remote: RemoteEngine, model_server: ModelServer) -> None:
    words = PromptMessage(role="user", content="What is this?")
    seen = words.model_copy(update={"pictures": (Picture(mime="image/jpeg", data=b"\xff\xd8"),)})
    list(remote.stream(GenerationRequest((seen,), max_tokens=3)))
    (message,) = model_server.bodies[0]["messages"]
    assert message["content"] == [
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,/9g="}},
        {"type": "text", "text": "What is this?"},
    ]
    assert remote.count_tokens((seen,)) > remote.count_tokens((words,)) + 1_000


def test_a_model_sees_only_through_an_engine_that_takes_pictures(remote: RemoteEngine, monkeypatch) -> None:
    remote.learn({"sees_images": True})
    assert remote.ability().sees_images
    monkeypatch.setattr(RemoteEngine, "takes_pictures", False)
    assert not remote.ability().sees_images


def test_optional_settings_go_along_until_the_server_refuses_them(
    remote: RemoteEngine, model_server: ModelServer
) -> None:
    sampling = Sampling(0.5, seed=7, presence_penalty=0.5, frequency_penalty=-1.0, logit_bias=((5, -100.0),))
    request = GenerationRequest(REQUEST.messages, max_tokens=3, sampling=sampling, reasoning_effort="minimal")
    list(remote.stream(request))
    body = model_server.bodies[-1]
    assert {name: body[name] for name in ("seed", "presence_penalty", "frequency_penalty", "logit_bias")} == {
        "seed": 7,
        "presence_penalty": 0.5,
        "frequency_penalty": -1.0,
        "logit_bias": {"5": -100.0},
    }
    assert (body["reasoning_effort"], body["chat_template_kwargs"]) == ("minimal", {"enable_thinking": False})
    list(remote.stream(REQUEST))
    assert not {"seed", "logit_bias", "reasoning_effort", "chat_template_kwargs"} & model_server.bodies[-1].keys()

    model_server.refuses = "reasoning_effort"
    tokens = list(remote.stream(request))
    assert tokens[-1].finish == "length"
    assert [("reasoning_effort" in body, "seed" in body) for body in model_server.bodies[-2:]] == [
        (True, True),
        (False, True),
    ]
    n_sent = len(model_server.bodies)
    list(remote.stream(request))
    assert len(model_server.bodies) == n_sent + 1, "it has learnt that"


def test_a_reply_is_shortened_where_the_prompt_is_longer_than_it_was_estimated(
    remote: RemoteEngine, model_server: ModelServer
) -> None:
    too_long = "This model's maximum context length is 4096 tokens."
    model_server.objects = lambda body: too_long if body["max_tokens"] > 1_500 else ""
    assert list(remote.stream(GenerationRequest(REQUEST.messages, max_tokens=4_000)))
    assert [body["max_tokens"] for body in model_server.bodies] == [4_000, 1_000]
    model_server.objects = lambda body: too_long
    with pytest.raises(PromptTooLong):
        list(remote.stream(GenerationRequest(REQUEST.messages, max_tokens=4_000)))


@pytest.mark.parametrize(
    ("text", "objection", "continues"),
    [
        ("een fourteen fifteen", "", True),
        ("one two three four", "", False),
        ("Sure! Here it is: thirteen fourteen", "", False),
        ("", "Unrecognized request argument supplied: continue_final_message", False),
    ],
)
def test_whether_a_server_continues_a_beginning_is_tried_once(
    remote: RemoteEngine, model_server: ModelServer, text: str, objection: str, continues: bool
) -> None:
    model_server.events = [{"choices": [{"delta": {"content": text}, "finish_reason": "length"}]}]
    model_server.objects = lambda body: objection
    assert [remote.can_continue(), remote.can_continue()] == [continues, continues]
    [body] = model_server.bodies
    assert body["messages"][-1]["role"] == "assistant"
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)


def test_a_chinese_prompt_is_not_estimated_too_short(remote: RemoteEngine) -> None:
    chinese = PromptMessage(role="user", content="这份合同什么时候到期" * 100)
    assert remote.count_tokens((chinese,)) >= 1_000
