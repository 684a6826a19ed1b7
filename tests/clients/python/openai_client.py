"""The official Python client."""

import json
import os

from openai import OpenAI
from pydantic import BaseModel

MODEL, QUESTION = os.environ["MODEL"], "Which seal kit fits the Zephyr-9, and how often is it serviced?"
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
client = OpenAI(base_url=os.environ["BASE_URL"])


class Service(BaseModel):
    """What is wanted."""

    kit: str
    hours: int


def ask(text: str, **options):
    return client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": text}], **options)


whole = ask(QUESTION)
found = {"answer": whole.choices[0].message.content, "total_tokens": whole.usage.total_tokens}
found["urls"] = [note.url_citation.url for note in whole.choices[0].message.annotations]
with client.chat.completions.stream(model=MODEL, messages=[{"role": "user", "content": QUESTION}]) as stream:
    for _ in stream:
        pass
    found["streamed"] = stream.get_final_completion().choices[0].message.content
parsed = client.chat.completions.parse(
    model=MODEL, messages=[{"role": "user", "content": QUESTION}], response_format=Service
)
found["value"] = parsed.choices[0].message.parsed.model_dump()
question = {"role": "user", "content": "What is the weather in Bern?"}
first = client.chat.completions.create(model=MODEL, messages=[question], tools=[TOOL]).choices[0].message
found["calls"] = [[call.function.name, json.loads(call.function.arguments)] for call in first.tool_calls]
result = {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "Bern: 7 degrees, snow."}
second = client.chat.completions.create(model=MODEL, messages=[question, first, result], tools=[TOOL])
found["with_tool"] = second.choices[0].message.content
found["delegated"] = ask("What is the yearly tax on pumps?").choices[0].message.content
assert client.models.retrieve(MODEL).id in {model.id for model in client.models.list()}
print(json.dumps(found))
