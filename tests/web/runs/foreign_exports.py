"""Exports of other systems, made to their documented formats, with what has to come of each.

Sources of the formats: Ollama's page on Modelfiles, the schemas of LibreChat's agents and OpenAI's assistants, what
Open WebUI's model editor and chat store write, and descriptions of ChatGPT's `gizmo` answers and data export.
"""

import base64
import io
import json
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

WEATHER = {
    "openapi": "3.1.0",
    "info": {"title": "Weather", "version": "1"},
    "servers": [{"url": "https://api.weather.example"}],
    "paths": {"/now": {"get": {"operationId": "getWeather", "parameters": [], "responses": {}}}},
}
WEATHER_YAML = """openapi: 3.0.3
info: {title: Weather, version: "1"}
servers:
  - url: https://api.weather.example
paths:
  /now:
    get:
      operationId: getWeather
      responses: {}
components:
  securitySchemes:
    key: {type: http, scheme: bearer}
"""
SECRET = "sk-of-the-other-system"


@dataclass(frozen=True)
class Export:
    """Files and pasted text of an export, and what its GPT has to have: fields, files, and actions with their auth.

    `notes` are words that what was left to do has to have.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    text: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    knowledge: dict[str, bytes] = field(default_factory=dict)
    actions: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    n_gpts: int = 1
    has_picture: bool = False


def dumped(value: Any) -> bytes:
    """`value` as a JSON file."""
    return json.dumps(value).encode()


def picture() -> str:
    """A picture as a data URL."""
    data = io.BytesIO()
    Image.new("RGB", (20, 20), "teal").save(data, "PNG")
    return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"


PLAIN = """Name
Pump Doctor

Description
Finds the fault from the manual.

Instructions
You help field technicians.

Capabilities you may mention:
# Knowledge
Always say which page.

Conversation starters
It leaks at the shaft.
What does E12 mean?

Knowledge
manual.pdf
bulletins.txt

Capabilities
Web Search
Canvas
Code Interpreter & Data Analysis

Actions
api.pumps.example
"""
GIZMO = {
    "gizmo": {
        "id": "g-abc",
        "author": {"display_name": "Al"},
        "display": {
            "name": "Weather Desk",
            "description": "Tells the weather.",
            "welcome_message": "Hello",
            "prompt_starters": ["Will it rain?", "How warm is it?"],
            "profile_picture_url": "https://files.example/x.png",
        },
        "instructions": "Answer in one sentence.",
        "share_recipient": "link",
    },
    "tools": [
        {"id": "t1", "type": "browser", "settings": None, "metadata": None},
        {"id": "t2", "type": "dalle", "settings": None, "metadata": None},
        {"id": "t3", "type": "python", "settings": None, "metadata": None},
        {
            "id": "t4",
            "type": "plugins_prototype",
            "metadata": {
                "action_id": "a1",
                "domain": "api.weather.example",
                "raw_spec": json.dumps(WEATHER),
                "auth": {"type": "service_http", "authorization_type": "bearer"},
                "privacy_policy_url": "https://weather.example/privacy",
            },
        },
    ],
    "files": [{"id": "f1", "name": "stations.csv", "type": "text/csv", "size": 10}],
}
OAUTH_GIZMO = {
    "resource": {
        "gizmo": {"id": "g-1", "display": {"name": "Calendar", "prompt_starters": None}, "instructions": "Plan."},
        "tools": [
            {
                "type": "plugins_prototype",
                "metadata": {
                    "domain": "cal.example",
                    "raw_spec": WEATHER_YAML,
                    "auth": {
                        "type": "oauth",
                        "client_url": "https://login.example/authorize",
                        "authorization_url": "https://login.example/token",
                        "scope": "calendar.read",
                        "token_exchange_method": "basic_auth_header",
                        "oauth_client_id": "calendar-app",
                        "oauth_client_secret": SECRET,
                    },
                },
            }
        ],
        "files": [],
    }
}
OPEN_WEBUI = {
    "id": "pump-doctor",
    "user_id": "u1",
    "base_model_id": "llama3.1:8b",
    "name": "Pump Doctor",
    "params": {"system": "You help technicians.", "temperature": 0.6, "max_tokens": 900, "num_ctx": 8192},
    "meta": {
        "profile_image_url": picture(),
        "description": "Finds faults.",
        "capabilities": {"vision": True, "web_search": True, "code_interpreter": True, "citations": True},
        "suggestion_prompts": [{"content": "It leaks."}, {"content": "What is E12?", "title": ["E12", "meaning"]}],
        "knowledge": [
            {"id": "k1", "name": "Manuals", "type": "collection", "files": [{"id": "f", "filename": "m.pdf"}]}
        ],
        "toolIds": ["stock_tool"],
        "filterIds": ["profanity"],
        "tags": [{"name": "service"}],
    },
    "access_grants": [{"principal_type": "group", "principal_id": "g"}],
    "is_active": True,
    "created_at": 1_760_000_000,
    "updated_at": 1_760_000_100,
}
OLD_OPEN_WEBUI = {
    "id": "tutor",
    "name": "Tutor",
    "object": "model",
    "owned_by": "openai",
    "info": {
        "id": "tutor",
        "base_model_id": "gpt-4o",
        "name": "Tutor",
        "params": {"system": "Explain with an example.", "temperature": 3},
        "meta": {
            "description": None,
            "suggestion_prompts": None,
            "capabilities": {"vision": False, "web_search": False},
            "profile_image_url": "/static/favicon.png",
        },
    },
}
KNOWING_OPEN_WEBUI = {
    "id": "handbook",
    "name": "Handbook",
    "base_model_id": None,
    "params": {"system": "Answer from the handbook."},
    "meta": {
        "description": "Knows the handbook.",
        "knowledge": [
            {
                "type": "file",
                "id": "f1",
                "name": "handbook.pdf",
                "file": {
                    "id": "f1",
                    "filename": "handbook.pdf",
                    "data": {"content": "Holidays: 28 days a year."},
                    "meta": {"name": "handbook.pdf", "content_type": "application/pdf"},
                },
            }
        ],
    },
}
LEGACY_OPEN_WEBUI = [
    {
        "tagName": "mario",
        "imageUrl": picture(),
        "title": "Mario",
        "desc": "It's-a me.",
        "content": 'FROM llama2\nPARAMETER temperature 1\nSYSTEM """\nYou are Mario.\n"""',
        "suggestionPrompts": [{"content": "Who are you?"}],
        "categories": ["character"],
    }
]
LIBRECHAT = {
    "_id": "65f0",
    "id": "agent_V1StGXR8",
    "name": "Research Desk",
    "description": "Reads and compares.",
    "instructions": "Compare three sources.",
    "provider": "openAI",
    "model": "gpt-4o",
    "model_parameters": {"temperature": 0.4, "maxContextTokens": 32_000, "max_output_tokens": 20_000},
    "tools": [
        "web_search",
        "execute_code",
        "file_search",
        "getWeather_action_api---weather---example",
        "ask_mcp_jira",
    ],
    "actions": ["api.weather.example_action_a1b2"],
    "tool_resources": {"file_search": {"file_ids": ["f1", "f2"], "files": [{"filename": "report.pdf"}]}},
    "conversation_starters": ["Compare A and B"],
    "agent_ids": ["agent_other"],
    "avatar": {"filepath": "/images/a.png", "source": "local"},
    "author": "65aa",
    "createdAt": "2026-01-02T03:04:05.000Z",
}
ACTING_LIBRECHAT = {
    "id": "agent_acting",
    "name": "Weather Agent",
    "instructions": "Say the temperature.",
    "provider": "anthropic",
    "model": "claude-3-5-sonnet",
    "model_parameters": {"temperature": None},
    "tools": ["dalle"],
    "conversation_starters": [],
    "actions": [
        {
            "action_id": "x1",
            "type": "action_prototype",
            "agent_id": "agent_acting",
            "metadata": {
                "api_key": SECRET,
                "auth": {
                    "type": "service_http",
                    "authorization_type": "custom",
                    "custom_auth_header": "X-Api-Key",
                },
                "domain": "https://api.weather.example",
                "privacy_policy_url": "https://weather.example/privacy",
                "raw_spec": json.dumps(WEATHER),
            },
        }
    ],
}
ASSISTANT = {
    "id": "asst_abc",
    "object": "assistant",
    "created_at": 1_698_984_975,
    "name": "Math Tutor",
    "description": None,
    "model": "gpt-4o",
    "instructions": "Show each step.",
    "tools": [
        {"type": "code_interpreter"},
        {"type": "file_search"},
        {"type": "function", "function": {"name": "grade", "parameters": {}}},
    ],
    "tool_resources": {"file_search": {"vector_store_ids": ["vs_1"]}},
    "metadata": {},
    "temperature": 0.7,
}
MODELFILE = '''# my assistant
FROM llama3.2
PARAMETER temperature 0.3
PARAMETER num_predict 256
PARAMETER num_ctx 4096
PARAMETER stop "<|end|>"
SYSTEM """
You are a pirate.

Speak like one: "Arr!"
"""
TEMPLATE """{{ .System }} {{ .Prompt }}"""
MESSAGE user Hello
MESSAGE assistant Arr!
LICENSE """MIT"""
'''
# Written once the readers were finished; two of them were read wrongly at first, see their comments.
TRAIL = """GPT Name: Trail Guide

Description: Plans day hikes.

Instructions: You plan hikes.
Ask for fitness first.

Rules:
- Knowledge: use only the files.

Conversation starters:
• Plan a hike near Chur

Knowledge:
huts.pdf (2.1 MB)

Capabilities:
✅ Web Search
☑ Canvas
✅ 4o Image Generation
"""
NEW_OPEN_WEBUI = {
    "id": "legal-bot",
    "base_model_id": "qwen3:14b",
    "name": "Legal Bot",
    "access_control": None,
    "params": {"system": "Cite the statute.", "temperature": 0.1, "stop": ["###"], "function_calling": "native"},
    "meta": {
        "capabilities": {"web_search": True, "image_generation": True, "code_interpreter": True},
        "defaultFeatureIds": ["web_search"],
        "suggestion_prompts": [{"title": ["Deadlines", "for appeals"], "content": "Which deadlines apply?"}],
        "knowledge": [{"collection_name": "abc", "name": "Codes"}, {"name": "All", "collection_names": ["a", "b"]}],
        "actionIds": ["export_pdf"],
    },
    "user": {"email": "a@b.example"},
}
NEW_LIBRECHAT = {
    "id": "agent_9",
    "name": "Ops",
    "description": None,
    "instructions": "Check the dashboards.",
    "provider": "bedrock",
    "model": "anthropic.claude-sonnet-4",
    "model_parameters": {"temperature": 1, "maxOutputTokens": 2048},
    "tools": ["sys__server__sys_mcp_grafana", "list_dashboards_mcp_grafana", "calculator"],
    "edges": [{"from": "agent_9", "to": "agent_10", "edgeType": "handoff"}],
    "conversation_starters": ["Is prod up?"],
    "tool_resources": {},
}
# At first the value ended at the first quote in it, not at a quote that ends a line.
SHOWN_MODELFILE = '''# Modelfile generated by "ollama show"
# FROM gemma3:latest

FROM /usr/share/ollama/.ollama/models/blobs/sha256-aeda25
TEMPLATE """{{- range .Messages }}
SYSTEM inside a template
{{ end }}"""
SYSTEM "You are a "terse" editor."
PARAMETER temperature 0.9 # lively
LICENSE """Gemma Terms of Use
SYSTEM not this
"""
'''
# At first it was not found below "conversation_mode".
NESTED_GIZMO = {
    "conversation_mode": {
        "kind": "gizmo_interaction",
        "gizmo": {
            "gizmo": {
                "id": "g-x",
                "display": {"name": "Nested", "prompt_starters": ["Hi"]},
                "instructions": "Do it.",
            },
            "tools": [{"id": "1", "type": "browser"}],
            "files": [],
        },
    }
}
EXPORTS: dict[str, Export] = {
    "unseen: ChatGPT, pasted with marks": Export(
        text=TRAIL,
        fields={
            "name": "Trail Guide",
            "instructions": "You plan hikes.\nAsk for fitness first.\n\nRules:\n- Knowledge: use only the files.",
            "starters": ["Plan a hike near Chur"],
            "capabilities": ["web_browsing", "image_generation"],
        },
        notes=("“Canvas”", "huts.pdf"),
    ),
    "unseen: Open WebUI, a newer model": Export(
        files={"models.json": dumped([NEW_OPEN_WEBUI])},
        fields={"name": "Legal Bot", "capabilities": ["web_browsing"], "starters": ["Which deadlines apply?"]},
        notes=("Codes, All", "export_pdf", "stop, function_calling"),
    ),
    "unseen: LibreChat, a newer agent": Export(
        files={"a.json": dumped(NEW_LIBRECHAT)},
        fields={"name": "Ops", "temperature": 1.0, "max_tokens": 2048, "starters": ["Is prod up?"]},
        notes=("grafana", "calculator", "agent_10"),
    ),
    "unseen: Ollama, what it shows of a model": Export(
        files={"editor.modelfile": SHOWN_MODELFILE.encode()},
        fields={"name": "editor", "instructions": 'You are a "terse" editor.', "temperature": 0.9},
        notes=("sha256-aeda25", "TEMPLATE, LICENSE"),
    ),
    "unseen: ChatGPT, a gizmo within a conversation": Export(
        files={"a.json": dumped(NESTED_GIZMO)},
        fields={"name": "Nested", "instructions": "Do it.", "capabilities": ["web_browsing"]},
    ),
    "ChatGPT, labels on lines of their own": Export(
        text=PLAIN,
        fields={
            "name": "Pump Doctor",
            "description": "Finds the fault from the manual.",
            "instructions": "You help field technicians.\n\nCapabilities you may mention:\n# Knowledge\n"
            "Always say which page.",
            "starters": ["It leaks at the shaft.", "What does E12 mean?"],
            "capabilities": ["web_browsing", "code_interpreter"],
        },
        notes=("Canvas", "manual.pdf, bulletins.txt", "Add its actions"),
    ),
    "ChatGPT, labels with colons": Export(
        text="Name: Haiku Bot\nDescription: Writes haiku.\nInstructions:\nOnly haiku.\nFormat: three lines\n"
        "Conversation starters:\n1. Autumn\n2) Rain\nCapabilities: image generation\n",
        fields={
            "name": "Haiku Bot",
            "instructions": "Only haiku.\nFormat: three lines",
            "starters": ["Autumn", "Rain"],
            "capabilities": ["image_generation"],
        },
    ),
    "ChatGPT, Markdown headings": Export(
        text="# Name\nBaker\n# Instructions\n## Description\nBread only.\nKnowledge: none\n# Conversation Starters\n"
        "- Why is it flat?\n# Capabilities\n- [x] Web Browsing\n- [ ] DALL·E Image Generation\n",
        fields={
            "name": "Baker",
            "instructions": "## Description\nBread only.\nKnowledge: none",
            "starters": ["Why is it flat?"],
            "capabilities": ["web_browsing"],
        },
    ),
    "ChatGPT, bold labels": Export(
        text="**Name:** Coach\n\n**Description:** Plans runs.\n\n**Instructions:**\n\nAsk for the goal.\n\n"
        "**Conversation starters:**\n\n- Plan a 10k\n",
        fields={"name": "Coach", "description": "Plans runs.", "instructions": "Ask for the goal."},
    ),
    "ChatGPT, a gizmo with an action": Export(
        files={"gizmo.json": dumped(GIZMO)},
        fields={
            "name": "Weather Desk",
            "instructions": "Answer in one sentence.",
            "starters": ["Will it rain?", "How warm is it?"],
            "capabilities": ["web_browsing", "image_generation", "code_interpreter"],
        },
        actions={"getWeather": "bearer"},
        notes=("stations.csv", "picture", "welcome message"),
    ),
    "ChatGPT, a gizmo whose action signs people in": Export(
        files={"calendar.json": dumped(OAUTH_GIZMO)},
        fields={"name": "Calendar", "instructions": "Plan.", "starters": []},
        actions={"getWeather": "oauth"},
    ),
    "ChatGPT, pasted with its files and an OpenAPI document": Export(
        text="Name\nWeather\nInstructions\nBe brief.\n",
        files={
            "api.yaml": WEATHER_YAML.encode(),
            "stations.csv": b"id,name\n1,North\n",
            "notes.md": b"# Notes\nName\n",
        },
        fields={"name": "Weather", "instructions": "Be brief."},
        knowledge={"stations.csv": b"id,name\n1,North\n", "notes.md": b"# Notes\nName\n"},
        actions={"getWeather": "bearer"},
    ),
    "Open WebUI, a model": Export(
        files={"pump-doctor-1.json": dumped([OPEN_WEBUI])},
        fields={
            "name": "Pump Doctor",
            "description": "Finds faults.",
            "instructions": "You help technicians.",
            "starters": ["It leaks.", "What is E12?"],
            "capabilities": ["web_browsing", "code_interpreter"],
            "temperature": 0.6,
            "max_tokens": 900,
        },
        notes=("m.pdf", "stock_tool", "profanity", "llama3.1:8b", "num_ctx", "Who may use it"),
        has_picture=True,
    ),
    "Open WebUI, a model of a list of all": Export(
        files={"models.json": dumped([OLD_OPEN_WEBUI])},
        fields={"name": "Tutor", "instructions": "Explain with an example.", "temperature": 2.0, "capabilities": []},
        notes=("gpt-4o",),
    ),
    "Open WebUI, a model with its knowledge": Export(
        files={"handbook.json": dumped(KNOWING_OPEN_WEBUI)},
        fields={"name": "Handbook"},
        knowledge={"handbook.pdf.txt": b"Holidays: 28 days a year."},
    ),
    "Open WebUI, a modelfile of its first releases": Export(
        files={"modelfiles.json": dumped(LEGACY_OPEN_WEBUI)},
        fields={
            "name": "Mario",
            "description": "It's-a me.",
            "instructions": "You are Mario.",
            "starters": ["Who are you?"],
        },
        notes=("llama2",),
        has_picture=True,
    ),
    "Open WebUI, several models": Export(
        files={"all.json": dumped([OLD_OPEN_WEBUI, OPEN_WEBUI, KNOWING_OPEN_WEBUI])}, n_gpts=3
    ),
    "LibreChat, an agent": Export(
        files={"agent.json": dumped(LIBRECHAT)},
        fields={
            "name": "Research Desk",
            "instructions": "Compare three sources.",
            "starters": ["Compare A and B"],
            "capabilities": ["web_browsing", "code_interpreter"],
            "temperature": 0.4,
            "max_tokens": 20_000,
        },
        notes=("api.weather.example", "jira", "report.pdf", "agent_other", "gpt-4o", "picture"),
    ),
    "LibreChat, an agent with its actions": Export(
        files={"agent.json": dumped(ACTING_LIBRECHAT)},
        fields={"name": "Weather Agent", "capabilities": ["image_generation"], "temperature": 0.2},
        actions={"getWeather": "header"},
        notes=("claude-3-5-sonnet",),
    ),
    "LibreChat, a list of agents": Export(
        files={"agents.json": dumped({"object": "list", "data": [LIBRECHAT, ACTING_LIBRECHAT], "has_more": False})},
        n_gpts=2,
    ),
    "OpenAI, an assistant": Export(
        files={"assistant.json": dumped(ASSISTANT)},
        fields={"name": "Math Tutor", "instructions": "Show each step.", "capabilities": ["code_interpreter"]},
        notes=("grade", "1 file", "gpt-4o"),
    ),
    "Ollama, a Modelfile": Export(
        files={"pirate.Modelfile": MODELFILE.encode()},
        fields={
            "name": "pirate",
            "instructions": 'You are a pirate.\n\nSpeak like one: "Arr!"',
            "temperature": 0.3,
            "max_tokens": 256,
        },
        notes=("llama3.2", "num_ctx", "stop", "TEMPLATE", "LICENSE", "MESSAGE"),
    ),
    "Ollama, a short Modelfile": Export(
        text="from ./model.gguf\nsystem You are terse.\nparameter num_predict -1\n",
        fields={"instructions": "You are terse.", "max_tokens": None, "name": "Imported GPT"},
        notes=("./model.gguf", "has no name"),
    ),
    "an OpenAPI document alone": Export(
        files={"weather.json": dumped(WEATHER)},
        fields={"name": "weather", "instructions": ""},
        actions={"getWeather": "none"},
        notes=("No configuration",),
    ),
    "texts that are too long": Export(
        files={"a.json": dumped([{**OPEN_WEBUI, "name": "n" * 90, "params": {"system": "s" * 9_000}}])},
        fields={"name": "n" * 50, "instructions": "s" * 8_000},
        notes=("Name had 90 characters", "Instructions had 9,000 characters"),
        has_picture=True,
    ),
}
