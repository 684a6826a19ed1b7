"""Other people's clients, each as its users run it: one table of what each must show.

A client is a script that asks the same things and prints what it got; what a client cannot do is not in its row.
"""

import json

import pytest

from tests.clients.model_server import LEFT

pytestmark = [pytest.mark.clients, pytest.mark.process]
ANSWER = "The seal kit of the Zephyr-9 is ZP-771. Service the seal every 450 hours."
# What each of these names must be; those below have a test of their own.
EXACT = {
    **dict.fromkeys(("answer", "async_answer", "streamed", "next_turn", "in_background"), ANSWER),
    **dict.fromkeys(("as_message", "as_response"), ANSWER),
    "calls": [["get_weather", {"city": "Bern"}]],
    "bad_key": "AuthenticationError",
    "counted": True,
    "left": True,
    "n_kept": 2,
    "n_models": 1,
    "too_long": "ContextWindowExceededError",
    "value": {"kit": "ZP-771", "hours": 450},
}
WITHIN = {
    **dict.fromkeys(("with_tool", "with_tool_by_id"), "Bern: 7 degrees, snow."),
    "delegated": "12 euros",
    "in_text": ANSWER,
}
CHAT = "answer streamed value with_tool calls delegated"
# Each script, with what its client shows and how it tells that there is no such model.
CLIENTS = {
    "python/openai_client.py": (f"{CHAT} urls total_tokens left bad_key", "NotFoundError"),
    "python/openai_responses_client.py": (f"{CHAT} files total_tokens in_background n_kept", ""),
    "python/openai_agents_client.py": (CHAT, ""),
    "python/openai_agents_responses_client.py": (f"{CHAT} files total_tokens with_tool_by_id next_turn n_kept", ""),
    "python/anthropic_client.py": (f"{CHAT} urls total_tokens counted n_models left bad_key", "NotFoundError"),
    "python/langchain_client.py": (f"{CHAT} total_tokens", ""),
    "python/langgraph_client.py": (CHAT, "OpenAIModelNotFoundError"),
    "python/llm_client.py": (CHAT, ""),
    "python/pydantic_ai_client.py": (CHAT, ""),
    "python/haystack_client.py": (CHAT, "NotFoundError"),
    "python/dspy_client.py": ("answer value delegated", "LMUnsupportedModelError"),
    "python/smolagents_client.py": (CHAT, "NotFoundError"),
    "python/agno_client.py": (CHAT, "RunStatus.error"),
    "python/ag2_client.py": (CHAT, "NotFoundError"),
    "python/adk_client.py": (CHAT, "NotFoundError"),
    "python/gradio_chat_client.py": ("answer streamed delegated", "NotFoundError"),
    "python/fastmcp_client.py": ("in_text delegated", "ToolError"),
    "python/litellm_proxy_client.py": (f"{CHAT} urls as_message as_response", "NotFoundError"),
    "python_openai2/litellm_client.py": (f"{CHAT} urls total_tokens too_long", ""),
    "python_openai2/llama_index_client.py": (CHAT, ""),
    "python_openai2/instructor_client.py": ("answer value", ""),
    "python_openai2/crewai_client.py": (CHAT, "ValueError"),
    "python_openai2/mirascope_client.py completions": (CHAT, "NotFoundError"),
    "python_openai2/mirascope_client.py responses": ("answer streamed value with_tool calls", "NotFoundError"),
    "python_mcp1/semantic_kernel_client.py": (CHAT, "ServiceResponseException"),
    "python_mcp1/marvin_client.py": ("answer value with_tool calls", "ModelHTTPError"),
    "python_mcp1/chainlit_client.py": ("answer streamed delegated", "NotFoundError"),
    "python_aider/aider_client.py": ("in_text", "NotFoundError"),
    "node/openai_client.mjs": (f"{CHAT} urls total_tokens left", "NotFoundError"),
    "node/openai_responses_client.mjs": (f"{CHAT} files total_tokens", ""),
    "node/ai_sdk_client.mjs": (f"{CHAT} urls total_tokens left", "APICallError 404"),
    "node/ai_sdk_compatible_client.mjs": (f"{CHAT} total_tokens", ""),
    "node/ai_sdk_responses_client.mjs": (f"{CHAT} files streamed_files total_tokens next_turn", ""),
    "node/ai_sdk_anthropic_client.mjs": (f"{CHAT} total_tokens", "APICallError 404"),
    "node/anthropic_client.mjs": (
        "answer streamed with_tool calls delegated urls total_tokens counted left",
        "NotFoundError",
    ),
    "node/mcp_inspector_client.mjs": ("in_text delegated", ""),
    "node/pi_client.mjs anthropic-messages": ("answer with_tool", ""),
    "node/pi_client.mjs openai-completions": ("answer with_tool", ""),
}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_gets_the_whole_gpt(run_client, site, client):
    shows, error = CLIENTS[client]
    while not LEFT.empty():
        LEFT.get()
    found = run_client(client)
    print(client, json.dumps(found, ensure_ascii=False))
    assert found.keys() >= set(shows.split())
    assert found.get("error", "") == error
    for name, told in found.items():
        if name in EXACT:
            assert told == EXACT[name], name
        elif name in ("files", "streamed_files"):
            assert set(told) == {"manual.md"}, name
        elif name in WITHIN:
            assert WITHIN[name] in told, name
    if "left" in found:
        assert LEFT.get(timeout=5)
    urls = found.get("urls", ["/sources/"])
    assert urls
    assert all("/sources/" in url for url in urls)
    assert found.get("total_tokens", 1) > 0
