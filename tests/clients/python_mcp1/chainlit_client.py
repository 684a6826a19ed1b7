"""A Chainlit app's turn: OpenAI's client, instrumented by Chainlit, with the answer sent as its message."""

import asyncio

import chainlit
from asked import KEY, MODEL, QUESTION, TAXES, UNKNOWN, URL, error_of, show
from chainlit.context import init_http_context
from openai import AsyncOpenAI

chainlit.instrument_openai()


def complete(question, model=MODEL, **more):
    asked = [{"role": "user", "content": question}]
    return AsyncOpenAI(base_url=URL, api_key=KEY).chat.completions.create(model=model, messages=asked, **more)


async def ask(question, model=MODEL):
    return (await complete(question, model)).choices[0].message.content


async def main():
    init_http_context()
    message = chainlit.Message(content="")
    async for chunk in await complete(QUESTION, stream=True):
        await message.stream_token(chunk.choices[0].delta.content or "")
    await message.send()
    return {"answer": await ask(QUESTION), "streamed": message.content, "delegated": await ask(TAXES)}


show(**asyncio.run(main()), error=error_of(lambda: asyncio.run(ask(QUESTION, UNKNOWN))))
