"""What chat pages and coding agents send, field by field as they send it: each is answered, and its question found.

Open WebUI 0.12.4, LibreChat's library 3.9.2, Claude Code 2.1.332 and pi 0.73.1, recorded or read on 2026-12-02.
"""

import base64

import httpx
import pytest

from tests.web.api.conftest import key_of
from web.runs import log

QUESTION = "Which seal fits?"
SYSTEM = {"role": "system", "content": "Be brief."}
USER = {"role": "user", "content": QUESTION}
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "path": {"type": "string", "pattern": "^/", "maxLength": 524288},
        "env": {"type": "object", "propertyNames": {"type": "string"}, "additionalProperties": {"type": "string"}},
        "lines": {"anyOf": [{"type": "integer", "exclusiveMinimum": 0}, {"type": "null"}]},
    },
    "required": ["path"],
    "additionalProperties": False,
}
FUNCTION = {"type": "function", "function": {"name": "read", "description": "Reads a file.", "parameters": SCHEMA}}
CALL = {"id": "call_1", "type": "function", "index": 0, "function": {"name": "read", "arguments": '{"path": "/a"}'}}
CACHED = {"cache_control": {"type": "ephemeral"}}
REMINDER = {"type": "text", "text": "<system-reminder>\nThe list of tasks is empty.\n</system-reminder>"}
PICTURE = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
OPEN_WEBUI = {"stream": True, "stream_options": {"include_usage": True}, "temperature": 0.8, "top_p": 0.9}
CLAUDE_CODE = {
    "max_tokens": 32000,
    "stream": True,
    "system": [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.332; cc_entrypoint=sdk-cli;"},
        {"type": "text", "text": "You are an agent.", **CACHED},
    ],
    "tools": [{"name": "Read", "description": "Reads a file.", "input_schema": SCHEMA, "defer_loading": False}],
    "metadata": {"user_id": '{"device_id":"a2","account_uuid":"","session_id":"ff"}'},
    "thinking": {"type": "adaptive", "display": "omitted"},
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "output_config": {"effort": "high"},
}
ENVIRONMENT = {"role": "system", "content": [{"type": "text", "text": "# Environment\nLinux", **CACHED}]}
ASKED = [{"role": "user", "content": [REMINDER, {"type": "text", "text": QUESTION}]}, ENVIRONMENT]
USED = [
    {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"path": "/a"}}],
    },
    {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "7", **CACHED}, REMINDER],
    },
]
CHATS = {
    "Open WebUI": {
        "messages": [SYSTEM, USER],
        **OPEN_WEBUI,
        "min_p": 0.05,
        "top_k": 40,
        "repeat_penalty": 1.1,
        "frequency_penalty": 0.0,
        "presence_penalty": 0.0,
        "reasoning_effort": "medium",
        "seed": 42,
        "stop": ["###"],
        "logit_bias": {"50256": -100},
        "max_tokens": 512,
    },
    "Open WebUI with a tool's result": {
        "messages": [
            USER,
            {"role": "assistant", "content": "", "tool_calls": [CALL], "reasoning_content": "Hm."},
            {"role": "tool", "tool_call_id": "call_1", "content": "7"},
        ],
        "tools": [FUNCTION],
        **OPEN_WEBUI,
    },
    "Open WebUI continuing an answer": {
        "messages": [USER, {"role": "assistant", "content": "The seal"}],
        **OPEN_WEBUI,
        "continue_final_message": True,
        "add_generation_prompt": False,
    },
    "Open WebUI as a pipeline": {
        "messages": [USER],
        "user": {"name": "Bob", "id": "1", "role": "user"},
        **OPEN_WEBUI,
    },
    "LibreChat": {"messages": [SYSTEM, USER], "user": "65f", **OPEN_WEBUI, "tools": [FUNCTION]},
    "LibreChat with a tool's result": {
        "messages": [
            USER,
            {"role": "assistant", "content": "", "tool_calls": [CALL]},
            {"role": "tool", "content": "7", "name": "read", "tool_call_id": "call_1"},
        ],
        "tools": [FUNCTION],
        **OPEN_WEBUI,
    },
    "pi": {
        "messages": [{"role": "developer", "content": "Be brief."}, USER],
        "stream": True,
        "stream_options": {"include_usage": True},
        "store": False,
        "max_completion_tokens": 16384,
        "reasoning_effort": "medium",
        "tools": [FUNCTION | {"function": FUNCTION["function"] | {"strict": False}}],
    },
}
RESPONSES = {
    "Open WebUI": {
        "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello."}]},
            {"type": "function_call", "call_id": "call_1", "name": "read", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "7"},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": QUESTION}]},
        ],
        "instructions": "Be brief.",
        "stream": True,
        "temperature": 0.8,
        "max_output_tokens": 512,
        "tools": [{"type": "function", **FUNCTION["function"]}],
    },
    "LibreChat": {
        "input": [{"type": "message", **SYSTEM}, {"type": "message", **USER}],
        "user": "65f",
        "stream": True,
        "text": {},
    },
}
MESSAGES = {
    "Claude Code": CLAUDE_CODE | {"messages": ASKED},
    "Claude Code with a result and a reminder": CLAUDE_CODE | {"messages": [*ASKED, *USED]},
    "Claude Code with a reminder behind the question": CLAUDE_CODE
    | {"messages": [{"role": "user", "content": [{"type": "text", "text": QUESTION}, REMINDER]}]},
}
ALL = [
    *(("chat/completions", name, body) for name, body in CHATS.items()),
    *(("responses", name, body) for name, body in RESPONSES.items()),
    *(("messages", name, body) for name, body in MESSAGES.items()),
]


@pytest.fixture
def program(live, gpt, bob):
    """Sends a request as these clients do."""
    key = key_of(bob)
    headers = {"Authorization": f"Bearer {key}", "x-api-key": key, "anthropic-version": "2023-06-01"}
    with httpx.Client(base_url=f"{live}/v1", headers=headers, timeout=60, trust_env=False) as client:
        yield client


def test_what_chat_pages_and_coding_agents_send_is_answered(program, worker, meanwhile):
    worker.patience_s = 60  # the first request loads the whole site
    for path, name, body in ALL:
        meanwhile(worker.answer)
        answer = program.post(path, params={"beta": "true"}, json={"model": "pump-doctor", **body})

        assert answer.status_code == 200, (name, answer.text)
        assert "ZP-771" in answer.text, name
        assert log.read(worker.run_id)[0].text == QUESTION, name
