"""pydantic-ai with chat completions."""

import asyncio
import json
import os

from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

QUESTION = "Which seal kit fits the Zephyr-9, and how often is it serviced?"
model = OpenAIChatModel(os.environ["MODEL"], provider=OpenAIProvider(base_url=os.environ["BASE_URL"]))


class Service(BaseModel):
    """What is wanted."""

    kit: str
    hours: int


calls = []


def get_weather(city: str) -> str:
    """The weather in a city."""
    calls.append(["get_weather", {"city": city}])
    return f"{city}: 7 degrees, snow."


async def main() -> None:
    agent = Agent(model)
    whole = await agent.run(QUESTION)
    found = {"answer": whole.output}
    async with agent.run_stream(QUESTION) as stream:
        found["streamed"] = await stream.get_output()
    found["value"] = (await Agent(model, output_type=NativeOutput(Service)).run(QUESTION)).output.model_dump()
    found["with_tool"] = (await Agent(model, tools=[get_weather]).run("What is the weather in Bern?")).output
    found["calls"] = calls
    found["delegated"] = (await agent.run("What is the yearly tax on pumps?")).output
    print(json.dumps(found))


asyncio.run(main())
