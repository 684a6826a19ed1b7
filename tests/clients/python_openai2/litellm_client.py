"""LiteLLM, as a gateway's users call it."""

import json
import os

import litellm
from pydantic import BaseModel

QUESTION = "Which seal kit fits the Zephyr-9, and how often is it serviced?"
ENDPOINT = {"model": f"openai/{os.environ['MODEL']}", "api_base": os.environ["BASE_URL"]}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class Service(BaseModel):
    """What is wanted."""

    kit: str
    hours: int


def ask(*messages, **options):
    return litellm.completion(messages=list(messages), **ENDPOINT, **options)


def said(text: str) -> dict:
    return {"role": "user", "content": text}


whole = ask(said(QUESTION))
found = {"answer": whole.choices[0].message.content, "total_tokens": whole.usage.total_tokens}
found["urls"] = [note["url_citation"]["url"] for note in whole.choices[0].message.annotations]
found["streamed"] = "".join(chunk.choices[0].delta.content or "" for chunk in ask(said(QUESTION), stream=True))
found["value"] = json.loads(ask(said(QUESTION), response_format=Service).choices[0].message.content)
asked = [said("What is the weather in Bern?")]
first = ask(*asked, tools=[TOOL]).choices[0].message
found["calls"] = [[call.function.name, json.loads(call.function.arguments)] for call in first.tool_calls]
asked += [
    first.model_dump(),
    {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "Bern: 7 degrees, snow."},
]
found["with_tool"] = ask(*asked, tools=[TOOL]).choices[0].message.content
found["delegated"] = ask(said("What is the yearly tax on pumps?")).choices[0].message.content
try:
    ask(said("x" * 400_000))
    found["too_long"] = "accepted"
except litellm.ContextWindowExceededError:
    found["too_long"] = "ContextWindowExceededError"
print(json.dumps(found))
