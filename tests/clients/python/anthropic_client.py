"""Anthropic's own client, whole and streamed, with its helpers for tools."""

import json
import os

from anthropic import Anthropic

QUESTION = "Which seal kit fits the Zephyr-9, and how often is it serviced?"
WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
client = Anthropic(base_url=os.environ["BASE_URL"].removesuffix("/v1"), api_key=os.environ["OPENAI_API_KEY"])
same = {"model": os.environ["MODEL"], "max_tokens": 500}


def said(message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def ask(text: str, **more):
    return client.messages.create(messages=[{"role": "user", "content": text}], **same, **more)


whole = ask(QUESTION)
cited = [citation for block in whole.content for citation in block.citations or ()]
found = {
    "answer": said(whole),
    "urls": [citation.source for citation in cited],
    "total_tokens": whole.usage.input_tokens + whole.usage.output_tokens,
}
with client.messages.stream(messages=[{"role": "user", "content": QUESTION}], **same) as stream:
    found["streamed"] = "".join(stream.text_stream)
    final = stream.get_final_message()
assert said(final) == found["streamed"]
assert [each.source for block in final.content for each in block.citations or ()] != []
assert final.usage.output_tokens > 0
asked = [{"role": "user", "content": "What is the weather in Bern?"}]
with client.messages.stream(messages=asked, tools=[WEATHER], **same) as stream:
    called = stream.get_final_message()
uses = [block for block in called.content if block.type == "tool_use"]
found["calls"] = [[each.name, each.input] for each in uses]
results = [{"type": "tool_result", "tool_use_id": each.id, "content": "Bern: 7 degrees, snow."} for each in uses]
asked += [{"role": "assistant", "content": called.content}, {"role": "user", "content": results}]
found["with_tool"] = said(client.messages.create(messages=asked, tools=[WEATHER], **same))
found["delegated"] = said(ask("What is the yearly tax on pumps?"))
print(json.dumps(found))
