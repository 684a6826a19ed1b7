"""LangGraph's agent that calls tools."""

from asked import MODEL, QUESTION, TAXES, UNKNOWN, URL, WEATHER, Service, error_of, get_weather, show
from langchain.agents import create_agent
from langchain_openai import ChatOpenAI

model = ChatOpenAI(model=MODEL, base_url=URL)


def ask(question, tools=(), model=model, **more):
    return create_agent(model, list(tools), **more).invoke({"messages": [("user", question)]})


def text(state) -> str:
    return state["messages"][-1].text


streamed = create_agent(model, []).stream({"messages": [("user", QUESTION)]}, stream_mode="messages")
show(
    answer=text(ask(QUESTION)),
    streamed="".join(chunk.text for chunk, _ in streamed),
    value=ask(QUESTION, response_format=Service)["structured_response"].model_dump(),
    with_tool=text(ask(WEATHER, [get_weather])),
    delegated=text(ask(TAXES)),
    error=error_of(lambda: ask(QUESTION, model=ChatOpenAI(model=UNKNOWN, base_url=URL))),
)
