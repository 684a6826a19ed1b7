"""Chat completions with the newest clients, each as its users run it: cited, streamed, with tools, values, delegates.

A client is a script that asks the same things and prints what it got; what a client cannot do is not in its output.
"""

import json

import pytest

pytestmark = [pytest.mark.clients, pytest.mark.process]
ANSWER = "The seal kit of the Zephyr-9 is ZP-771. Service the seal every 450 hours."
WEATHER = "Bern: 7 degrees, snow."
CLIENTS = [
    "python/openai_client.py",
    "python/langchain_client.py",
    "python_openai2/llama_index_client.py",
    "python_openai2/litellm_client.py",
    "python/pydantic_ai_client.py",
    "python_openai2/instructor_client.py",
    "python/openai_agents_client.py",
    "python/llm_client.py",
    "python/anthropic_client.py",
    "node/openai_client.mjs",
    "node/ai_sdk_client.mjs",
    "node/ai_sdk_compatible_client.mjs",
]
# What each must be able to show; the others show these if their clients have them.
ALWAYS = {"answer"}


@pytest.mark.parametrize("script", CLIENTS)
def test_a_client_gets_the_whole_gpt(run_client, site, script):
    found = run_client(script)
    print(script, json.dumps(found, ensure_ascii=False))
    assert found.keys() >= ALWAYS
    for name in ("answer", "streamed", "async_answer"):
        if name in found:
            assert found[name] == ANSWER, name
    if "urls" in found:
        assert found["urls"]
        assert all(f"{site.url.rsplit(':', 1)[0]}" in url and "/sources/" in url for url in found["urls"])
    if "value" in found:
        assert found["value"] == {"kit": "ZP-771", "hours": 450}
    if "with_tool" in found:
        assert WEATHER in found["with_tool"]
        assert found["calls"] == [["get_weather", {"city": "Bern"}]]
    if "delegated" in found:
        assert "12 euros" in found["delegated"]
    if "total_tokens" in found:
        assert found["total_tokens"] > 0
