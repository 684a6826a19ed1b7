"""CrewAI's model and its agent with a tool."""

from asked import KEY, MODEL, QUESTION, TAXES, UNKNOWN, URL, WEATHER, Service, error_of, get_weather, show
from crewai import LLM, Agent
from crewai.tools import tool


def model(name=MODEL, **more):
    return LLM(model=f"openai/{name}", base_url=URL, api_key=KEY, **more)


doctor = Agent(role="Asker", goal="Tell the answer.", backstory="You ask.", llm=model(), tools=[tool(get_weather)])
show(
    answer=model().call(QUESTION),
    streamed=model(stream=True).call(QUESTION),
    value=Service.model_validate(model().call(QUESTION, response_model=Service)).model_dump(),
    with_tool=doctor.kickoff(WEATHER).raw,
    delegated=model().call(TAXES),
    error=error_of(lambda: model(UNKNOWN).call(QUESTION)),
)
