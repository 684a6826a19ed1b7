"""A person or a program is the model: requests come as files, and answers are taken from files."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from gpts.runs.messages import PromptMessage
from gpts.runs.replies import parse
from gpts.spec.tools import ToolSpec
from tests.bridge import server
from tests.bridge.server import Bridge, serving, write
from workers.engine.base import EngineConfig, EngineError, GenerationRequest, Grammar
from workers.engine.remote import RemoteEngine

HELLO = {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}]}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = ToolSpec(name="weather", description="The weather in a city.", parameters=CITY)


@pytest.fixture(autouse=True)
def at_once(monkeypatch) -> None:
    """Answers count as soon as they are there."""
    monkeypatch.setattr(server, "SETTLED_S", 0)
    monkeypatch.setattr(server, "LOOK_S", 0.002)


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "bridge"


@pytest.fixture
def url(folder):
    with serving(Bridge(folder, "me", 4096, timeout_s=5)) as url:
        yield url


def put(folder: Path, number: int, answer: str | dict[str, Any]) -> None:
    is_text = isinstance(answer, str)
    folder.mkdir(exist_ok=True)
    write(folder / f"{number:04}.answer.{'txt' if is_text else 'json'}", answer if is_text else json.dumps(answer))


def ask(url: str, **body: Any) -> httpx.Response:
    return httpx.post(f"{url}/chat/completions", json=HELLO | body, trust_env=False)


def generated(url: str, *tools: ToolSpec, max_tokens: int = 100) -> tuple[str, str]:
    """What the engine for servers gets from the bridge, and how it ended."""
    engine = RemoteEngine(EngineConfig(engine="remote", remote_url=url, remote_model="me"))
    messages = (PromptMessage(role="user", content="Hello"),)
    grammar = Grammar(tools=tools) if tools else None
    tokens = list(engine.stream(GenerationRequest(messages, max_tokens=max_tokens, tools=tools, grammar=grammar)))
    engine.close()
    return "".join(token.text for token in tokens), str(tokens[-1].finish)


def wait_for(path: Path) -> None:
    ends = time.monotonic() + 5
    while not path.exists():
        assert time.monotonic() < ends
        time.sleep(0.002)


def test_an_answer_written_as_text_reaches_the_engine_for_servers(url, folder):
    put(folder, 1, "Good\nmorning.")
    assert generated(url) == ("Good\nmorning.", "stop")
    assert "-------- user\nHello" in (folder / "0001.request.txt").read_text()
    assert json.loads((folder / "0001.request.json").read_text())["max_tokens"] == 100


def test_calls_and_reasoning_reach_it_too(url, folder):
    call = {"name": "weather", "arguments": {"city": "Bern"}}
    put(folder, 1, {"reasoning": "Hm.", "tool_calls": [call]})
    text, _ = generated(url, WEATHER)
    assert parse(text)[1][0].arguments == {"city": "Bern"}
    assert '"name": "weather"' in (folder / "0001.request.txt").read_text()


def test_an_answer_ends_at_the_number_of_tokens_and_at_stop_texts(url, folder):
    put(folder, 1, "one two three four")
    assert generated(url, max_tokens=2) == ("one two", "length")
    put(folder, 2, "one two three")
    choice = ask(url, stop=["three"]).json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("one two ", "stop")


def test_an_answer_that_is_not_streamed_is_one_completion(url, folder):
    put(folder, 1, {"content": "Look:", "tool_calls": [{"name": "weather", "arguments": {"city": "Bern"}}]})
    got = ask(url).json()
    message = got["choices"][0]["message"]
    assert (message["content"], got["choices"][0]["finish_reason"]) == ("Look:", "tool_calls")
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"city": "Bern"}
    assert got["usage"]["completion_tokens"] > 1


def test_only_what_is_new_in_a_conversation_is_shown_and_a_changed_beginning_is_named(url, folder):
    for number in (1, 2, 3):
        put(folder, number, "Yes.")
    more = [*HELLO["messages"], {"role": "assistant", "content": "Yes."}, {"role": "user", "content": "And now?"}]
    ask(url)
    ask(url, messages=more)
    ask(url, messages=[*more[:3], {"role": "user", "content": "Something else"}])
    second, third = ((folder / f"000{number}.request.txt").read_text() for number in (2, 3))
    assert "all of its messages" in second
    assert "And now?" in second
    assert "Be kind." not in second
    assert "NOT the other 1" in third


def test_several_requests_wait_at_once(url, folder):
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(ask, url, user=str(number)) for number in range(3)]
        for number in (3, 2, 1):
            wait_for(folder / f"000{number}.request.txt")
            put(folder, number, f"Answer {number}")
    assert {each.result().json()["choices"][0]["message"]["content"] for each in waiting} == {
        "Answer 1",
        "Answer 2",
        "Answer 3",
    }


def test_a_client_that_goes_away_is_noticed(url, folder):
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{url}/chat/completions", json=HELLO, timeout=0.1, trust_env=False)
    wait_for(folder / "0001.gone")


def test_an_answer_that_cannot_be_read_is_put_aside_and_may_be_written_again(url, folder, capsys):
    put(folder, 1, {"text": "Hello"})
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask, url)
        wait_for(folder / "0001.answer.json.wrong")
        put(folder, 1, {"content": "Hello"})
    assert waiting.result().json()["choices"][0]["message"]["content"] == "Hello"
    assert "0001.answer.json can't be used" in capsys.readouterr().err


@pytest.mark.parametrize("wanted", [{"logprobs": True}, {"n": 2}])
def test_what_only_weights_can_give_is_refused(url, wanted):
    refused = ask(url, **wanted)
    assert refused.status_code == 400
    assert next(iter(wanted)) in refused.json()["error"]["message"]


def test_the_model_has_its_name_and_context(url):
    assert httpx.get(f"{url}/models", trust_env=False).json()["data"][0]["max_model_len"] == 4096
    assert RemoteEngine(EngineConfig(engine="remote", remote_url=url, remote_model="me")).health().ready


def test_recorded_requests_are_answered_again_and_new_ones_are_named(folder, tmp_path, capsys):
    with serving(Bridge(folder, "me", 4096, timeout_s=5)) as url:
        put(folder, 1, "Good morning.")
        generated(url)
    with serving(Bridge(tmp_path / "new", "me", 4096, replay=folder, timeout_s=0)) as url:
        assert generated(url)[0] == "Good morning."
        assert not list((tmp_path / "new").iterdir())
        assert ask(url).status_code == 504
        with pytest.raises(EngineError, match=r"0002 in .* is new, and no answer is recorded"):
            generated(url, WEATHER)
    assert "0001 is new" in capsys.readouterr().err


def test_numbers_go_on_where_a_former_bridge_ended(url, folder):
    put(folder, 1, "One")
    put(folder, 2, "Two")
    ask(url)
    with serving(Bridge(folder, "me", 4096, timeout_s=5)) as again:
        assert ask(again).json()["choices"][0]["message"]["content"] == "Two"
