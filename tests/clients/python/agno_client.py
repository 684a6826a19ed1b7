"""agno's agents, with its model for servers like OpenAI."""

from agno.agent import Agent
from agno.models.openai.like import OpenAILike
from asked import KEY, MODEL, QUESTION, TAXES, UNKNOWN, URL, WEATHER, Service, get_weather, show


def agent(name=MODEL, **more):
    return Agent(model=OpenAILike(id=name, api_key=KEY, base_url=URL), telemetry=False, **more)


pieces = [event.content for event in agent().run(QUESTION, stream=True) if event.event == "RunContent"]
show(
    answer=agent().run(QUESTION).content,
    streamed="".join(pieces),
    value=agent(output_schema=Service).run(QUESTION).content.model_dump(),
    with_tool=agent(tools=[get_weather]).run(WEATHER).content,
    delegated=agent().run(TAXES).content,
    error=str(agent(UNKNOWN).run(QUESTION).status),
)
