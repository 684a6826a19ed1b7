"""openai-agents with chat completions."""

import asyncio
import json
import os

from agents import Agent, OpenAIChatCompletionsModel, Runner, function_tool, set_tracing_disabled
from openai import AsyncOpenAI
from pydantic import BaseModel

QUESTION = "Which seal kit fits the Zephyr-9, and how often is it serviced?"
set_tracing_disabled(True)
model = OpenAIChatCompletionsModel(os.environ["MODEL"], AsyncOpenAI(base_url=os.environ["BASE_URL"]))
calls = []


class Service(BaseModel):
    """What is wanted."""

    kit: str
    hours: int


@function_tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    calls.append(["get_weather", {"city": city}])
    return f"{city}: 7 degrees, snow."


async def main() -> None:
    agent = Agent(name="Doctor", instructions="Help.", model=model)
    found = {"answer": (await Runner.run(agent, QUESTION)).final_output}
    streamed = Runner.run_streamed(agent, QUESTION)
    async for _ in streamed.stream_events():
        pass
    found["streamed"] = streamed.final_output
    typed = Agent(name="Doctor", model=model, output_type=Service)
    found["value"] = (await Runner.run(typed, QUESTION)).final_output.model_dump()
    able = Agent(name="Doctor", model=model, tools=[get_weather])
    found["with_tool"] = (await Runner.run(able, "What is the weather in Bern?")).final_output
    found["calls"] = calls
    found["delegated"] = (await Runner.run(agent, "What is the yearly tax on pumps?")).final_output
    print(json.dumps(found))


asyncio.run(main())
