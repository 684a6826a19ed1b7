"""Responses with the newest clients, two of which use it unless told otherwise: openai-agents and the AI SDK."""

import json

import pytest

from tests.clients.test_chat_completions import ANSWER, WEATHER

pytestmark = [pytest.mark.clients, pytest.mark.process]


@pytest.mark.parametrize(
    "script",
    [
        "python/openai_responses_client.py",
        "python/openai_agents_responses_client.py",
        "node/openai_responses_client.mjs",
        "node/ai_sdk_responses_client.mjs",
    ],
)
def test_a_client_gets_the_whole_gpt_as_responses(run_client, script):
    found = run_client(script)
    print(script, json.dumps(found, ensure_ascii=False))
    for name in ("answer", "streamed", "next_turn", "in_background"):
        assert found.get(name, ANSWER) == ANSWER, name
    for name in ("files", "streamed_files"):
        assert set(found.get(name, ["manual.md"])) == {"manual.md"}, name
    assert found["value"] == {"kit": "ZP-771", "hours": 450}
    assert found["calls"] == [["get_weather", {"city": "Bern"}]]
    assert WEATHER in found["with_tool"]
    assert WEATHER in found.get("with_tool_by_id", WEATHER)
    assert "12 euros" in found["delegated"]
    assert found["total_tokens"] > 0
    assert found.get("n_kept", 2) == 2
