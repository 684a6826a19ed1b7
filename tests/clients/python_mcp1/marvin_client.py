"""Marvin's agents, over pydantic-ai."""

import marvin
from asked import KEY, MODEL, QUESTION, UNKNOWN, URL, WEATHER, Service, error_of, get_weather, show
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


def agent(name=MODEL, **more):
    return marvin.Agent(model=OpenAIChatModel(name, provider=OpenAIProvider(base_url=URL, api_key=KEY)), **more)


show(
    answer=agent().run(QUESTION),
    value=agent().run(QUESTION, result_type=Service).model_dump(),
    with_tool=agent(tools=[get_weather]).run(WEATHER),
    error=error_of(lambda: agent(UNKNOWN).run(QUESTION)),
)
