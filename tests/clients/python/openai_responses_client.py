"""The official client with Responses: whole, streamed, parsed, in the background, and a conversation kept here."""

import json
import os
import time

from openai import OpenAI
from pydantic import BaseModel

QUESTION = "Which seal kit fits the Zephyr-9, and how often is it serviced?"
client, model = OpenAI(base_url=os.environ["BASE_URL"]), os.environ["MODEL"]


class Service(BaseModel):
    """What is wanted."""

    kit: str
    hours: int


whole = client.responses.create(model=model, input=QUESTION, include=["file_search_call.results"])
found = {"answer": whole.output_text, "total_tokens": whole.usage.total_tokens}
found["kinds"] = [item.type for item in whole.output]
found["files"] = [note.filename for note in whole.output[-1].content[0].annotations]
with client.responses.stream(model=model, input=QUESTION) as stream:
    found["events"] = sorted({event.type for event in stream})
    found["streamed"] = stream.get_final_response().output_text
found["value"] = client.responses.parse(model=model, input=QUESTION, text_format=Service).output_parsed.model_dump()
parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
tool = {"type": "function", "name": "get_weather", "description": "The weather in a city.", "parameters": parameters}
asked = client.responses.create(model=model, input="What is the weather in Bern?", tools=[tool])
calls = [item for item in asked.output if item.type == "function_call"]
found["calls"] = [[call.name, json.loads(call.arguments)] for call in calls]
result = {"type": "function_call_output", "call_id": calls[0].call_id, "output": "Bern: 7 degrees, snow."}
found["with_tool"] = client.responses.create(
    model=model, input=[result], tools=[tool], previous_response_id=asked.id
).output_text
found["delegated"] = client.responses.create(model=model, input="What is the yearly tax on pumps?").output_text
waiting = client.responses.create(model=model, input=QUESTION, background=True)
while waiting.status in ("queued", "in_progress"):
    time.sleep(0.2)
    waiting = client.responses.retrieve(waiting.id)
found["in_background"] = waiting.output_text
conversation = client.conversations.create()
for _ in range(2):
    client.responses.create(model=model, input=QUESTION, conversation=conversation.id)
items = list(client.conversations.items.list(conversation.id))
found["n_kept"] = sum(item.type == "message" and item.role == "user" for item in items)
print(json.dumps(found))
