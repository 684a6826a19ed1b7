"""LlamaIndex' OpenAILike."""

import json
import os

from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel

QUESTION = "Which seal kit fits the Zephyr-9, and how often is it serviced?"
model = OpenAILike(
    model=os.environ["MODEL"],
    api_base=os.environ["BASE_URL"],
    api_key=os.environ["OPENAI_API_KEY"],
    is_chat_model=True,
    is_function_calling_model=True,
    should_use_structured_outputs=True,
)


class Service(BaseModel):
    """What is wanted."""

    kit: str
    hours: int


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"{city}: 7 degrees, snow."


def said(text: str) -> list[ChatMessage]:
    return [ChatMessage(role="user", content=text)]


tool = FunctionTool.from_defaults(get_weather)
found = {"answer": model.chat(said(QUESTION)).message.content}
found["streamed"] = "".join(chunk.delta or "" for chunk in model.stream_chat(said(QUESTION)))
found["value"] = model.as_structured_llm(Service).chat(said(QUESTION)).raw.model_dump()
asked = said("What is the weather in Bern?")
first = model.chat_with_tools([tool], chat_history=asked)
calls = model.get_tool_calls_from_response(first)
found["calls"] = [[call.tool_name, call.tool_kwargs] for call in calls]
asked.append(first.message)
for call in calls:
    more = {"tool_call_id": call.tool_id}
    asked.append(ChatMessage(role="tool", content=get_weather(**call.tool_kwargs), additional_kwargs=more))
found["with_tool"] = model.chat_with_tools([tool], chat_history=asked).message.content
found["delegated"] = model.chat(said("What is the yearly tax on pumps?")).message.content
print(json.dumps(found))
