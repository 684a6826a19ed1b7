"""AG2's agent, with chat completions and with Responses."""

import asyncio

from ag2 import Agent
from ag2.config import OpenAIConfig
from asked import KEY, MODEL, QUESTION, TAXES, UNKNOWN, URL, WEATHER, Service, error_of, get_weather, show


def ask(question, model=MODEL, streaming=False, **more):
    config = OpenAIConfig(model=model, base_url=URL, api_key=KEY, streaming=streaming)
    return asyncio.run(Agent("asker", config=config, **more).ask(question))


async def value():
    config = OpenAIConfig(model=MODEL, base_url=URL, api_key=KEY)
    return await (await Agent("asker", config=config, response_schema=Service).ask(QUESTION)).content()


show(
    answer=ask(QUESTION).body,
    streamed=ask(QUESTION, streaming=True).body,
    value=asyncio.run(value()).model_dump(),
    with_tool=ask(WEATHER, tools=[get_weather]).body,
    delegated=ask(TAXES).body,
    error=error_of(lambda: ask(QUESTION, UNKNOWN)),
)
