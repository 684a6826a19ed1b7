"""The official Python client: whole, streamed and left, with values, tools and its own errors."""

import json

from asked import (
    KEY,
    MODEL,
    QUESTION,
    SLOWLY,
    TAXES,
    TOOL,
    UNKNOWN,
    URL,
    WEATHER,
    Service,
    error_of,
    get_weather,
    show,
)
from openai import OpenAI

client = OpenAI(base_url=URL, api_key=KEY, max_retries=0)


def asked(*messages, model=MODEL, **options):
    said = [{"role": "user", "content": each} if isinstance(each, str) else each for each in messages]
    return {"model": model, "messages": said, **options}


def ask(*messages, to=client, **options):
    return to.chat.completions.create(**asked(*messages, **options))


def left():
    with ask(SLOWLY, stream=True) as stream:
        return bool(next(iter(stream)))


whole = ask(QUESTION)
with client.chat.completions.stream(**asked(QUESTION)) as stream:
    for _ in stream:
        pass
    streamed = stream.get_final_completion().choices[0].message.content
first = ask(WEATHER, tools=[TOOL]).choices[0].message
[call] = first.tool_calls
result = {"role": "tool", "tool_call_id": call.id, "content": get_weather(**json.loads(call.function.arguments))}
parsed = client.chat.completions.parse(**asked(QUESTION, response_format=Service))
assert client.models.retrieve(MODEL).id in {model.id for model in client.models.list()}
show(
    left=left(),
    answer=whole.choices[0].message.content,
    total_tokens=whole.usage.total_tokens,
    urls=[note.url_citation.url for note in whole.choices[0].message.annotations],
    streamed=streamed,
    value=parsed.choices[0].message.parsed.model_dump(),
    with_tool=ask(WEATHER, first, result, tools=[TOOL]).choices[0].message.content,
    delegated=ask(TAXES).choices[0].message.content,
    error=error_of(lambda: ask(QUESTION, model=UNKNOWN)),
    bad_key=error_of(lambda: ask(QUESTION, to=client.with_options(api_key="wrong"))),
)
