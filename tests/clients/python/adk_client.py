"""Google's Agent Development Kit, over LiteLLM."""

import asyncio

from asked import KEY, MODEL, QUESTION, TAXES, UNKNOWN, URL, WEATHER, Service, error_of, get_weather, show
from google.adk.agents import Agent, RunConfig
from google.adk.agents.run_config import StreamingMode
from google.adk.models.lite_llm import LiteLlm
from google.adk.runners import InMemoryRunner
from google.genai import types


async def events(question, model=MODEL, streaming=StreamingMode.NONE, **more):
    llm = LiteLlm(model=f"openai/{model}", api_base=URL, api_key=KEY)
    runner = InMemoryRunner(agent=Agent(name="asker", model=llm, **more), app_name="asker")
    session = await runner.session_service.create_session(app_name="asker", user_id="bob")
    said = types.Content(role="user", parts=[types.Part(text=question)])
    running = runner.run_async(
        user_id="bob", session_id=session.id, new_message=said, run_config=RunConfig(streaming_mode=streaming)
    )
    return [event async for event in running]


def ask(question, **more):
    return asyncio.run(events(question, **more))[-1].content.parts[-1].text


parts = [e for e in asyncio.run(events(QUESTION, streaming=StreamingMode.SSE)) if e.partial]
show(
    answer=ask(QUESTION),
    streamed="".join(part.text or "" for event in parts for part in event.content.parts),
    value=Service.model_validate_json(ask(QUESTION, output_schema=Service)).model_dump(),
    with_tool=ask(WEATHER, tools=[get_weather]),
    delegated=ask(TAXES),
    error=error_of(lambda: ask(QUESTION, model=UNKNOWN)),
)
