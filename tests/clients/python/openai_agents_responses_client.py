"""openai-agents as it comes: with Responses, whole and streamed, tools, values, turns and a kept conversation."""

import asyncio
import json
import os

from agents import (
    Agent,
    OpenAIConversationsSession,
    Runner,
    function_tool,
    set_default_openai_client,
    set_tracing_disabled,
)
from openai import AsyncOpenAI
from pydantic import BaseModel

QUESTION = "Which seal kit fits the Zephyr-9, and how often is it serviced?"
client = AsyncOpenAI(base_url=os.environ["BASE_URL"])
set_tracing_disabled(True)
set_default_openai_client(client, use_for_tracing=False)
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
    agent = Agent(name="Doctor", instructions="Help.", model=os.environ["MODEL"])
    first = await Runner.run(agent, QUESTION)
    found = {"answer": first.final_output, "total_tokens": first.context_wrapper.usage.total_tokens}
    found["kinds"] = [item.type for response in first.raw_responses for item in response.output]
    notes = first.raw_responses[-1].output[-1].content[0].annotations
    found["files"] = [note.filename for note in notes]
    streamed = Runner.run_streamed(agent, QUESTION)
    async for _ in streamed.stream_events():
        pass
    found["streamed"] = streamed.final_output
    typed = Agent(name="Doctor", model=os.environ["MODEL"], output_type=Service)
    found["value"] = (await Runner.run(typed, QUESTION)).final_output.model_dump()
    able = Agent(name="Doctor", model=os.environ["MODEL"], tools=[get_weather])
    found["with_tool"] = (await Runner.run(able, "What is the weather in Bern?")).final_output
    found["calls"] = list(calls)
    again = await Runner.run(able, "What is the weather in Bern?", auto_previous_response_id=True)
    found["with_tool_by_id"] = again.final_output
    found["delegated"] = (await Runner.run(agent, "What is the yearly tax on pumps?")).final_output
    turn = await Runner.run(agent, QUESTION, previous_response_id=first.last_response_id)
    found["next_turn"] = turn.final_output
    session = OpenAIConversationsSession(openai_client=client)
    for _ in range(2):
        await Runner.run(agent, QUESTION, session=session)
    found["n_kept"] = sum(item.get("role") == "user" for item in await session.get_items())
    print(json.dumps(found))


asyncio.run(main())
