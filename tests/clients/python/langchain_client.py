"""LangChain's ChatOpenAI."""

import json
import os

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

QUESTION = "Which seal kit fits the Zephyr-9, and how often is it serviced?"
model = ChatOpenAI(model=os.environ["MODEL"], base_url=os.environ["BASE_URL"], use_responses_api=False)


class Service(BaseModel):
    """What is wanted."""

    kit: str
    hours: int


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"{city}: 7 degrees, snow."


whole = model.invoke(QUESTION)
found = {"answer": whole.content, "total_tokens": whole.usage_metadata["total_tokens"]}
chunks = list(model.stream(QUESTION))
found["streamed"] = "".join(chunk.text for chunk in chunks)
found["value"] = model.with_structured_output(Service).invoke(QUESTION).model_dump()
asked = [HumanMessage("What is the weather in Bern?")]
calling = model.bind_tools([get_weather])
asked.append(calling.invoke(asked))
found["calls"] = [[call["name"], call["args"]] for call in asked[-1].tool_calls]
asked += [ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"]) for call in asked[-1].tool_calls]
found["with_tool"] = calling.invoke(asked).content
found["delegated"] = model.invoke("What is the yearly tax on pumps?").content
print(json.dumps(found))
