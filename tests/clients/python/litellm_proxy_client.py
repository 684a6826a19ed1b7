"""A LiteLLM proxy in front of the site, asked with OpenAI's and with Anthropic's client."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import anthropic
import httpx
import openai
from asked import KEY, MODEL, QUESTION, TAXES, TOOL, URL, WEATHER, Service, error_of, get_weather, show

MODELS = [
    {"model_name": "doctor", "litellm_params": {"model": f"openai/{MODEL}", "api_base": URL, "api_key": KEY}},
    {"model_name": "nobody", "litellm_params": {"model": "openai/no-such-gpt", "api_base": URL, "api_key": KEY}},
]
config = Path(tempfile.mkdtemp()) / "config.yaml"
config.write_text(json.dumps({"model_list": MODELS, "general_settings": {"master_key": "sk-proxy"}}))
with socket.socket() as listener:
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
command = [str(Path(sys.executable).with_name("litellm")), "--config", str(config), "--host", "127.0.0.1"]
proxy = subprocess.Popen([*command, "--port", str(port), "--telemetry", "False"], stdout=2, env=dict(os.environ))
address = f"http://127.0.0.1:{port}"


def ready():
    try:
        return httpx.get(f"{address}/health/liveliness").is_success
    except httpx.HTTPError:
        return False


try:
    while proxy.poll() is None and not ready():
        time.sleep(0.2)
    client = openai.OpenAI(base_url=f"{address}/v1", api_key="sk-proxy", max_retries=0)
    messages = anthropic.Anthropic(base_url=address, api_key="sk-proxy", max_retries=0)

    def ask(*said, model="doctor", **more):
        asked = [{"role": "user", "content": each} if isinstance(each, str) else each for each in said]
        return client.chat.completions.create(model=model, messages=asked, **more)

    whole = ask(QUESTION).choices[0].message
    first = ask(WEATHER, tools=[TOOL]).choices[0].message
    [call] = first.tool_calls
    result = {"role": "tool", "tool_call_id": call.id, "content": get_weather(**json.loads(call.function.arguments))}
    parsed = client.chat.completions.parse(
        model="doctor", messages=[{"role": "user", "content": QUESTION}], response_format=Service
    )
    as_message = messages.messages.create(
        model="doctor", max_tokens=500, messages=[{"role": "user", "content": QUESTION}]
    )
    show(
        answer=whole.content,
        urls=[note.url_citation.url for note in whole.annotations],
        streamed="".join(chunk.choices[0].delta.content or "" for chunk in ask(QUESTION, stream=True)),
        value=parsed.choices[0].message.parsed.model_dump(),
        with_tool=ask(WEATHER, first, result, tools=[TOOL]).choices[0].message.content,
        delegated=ask(TAXES).choices[0].message.content,
        as_message="".join(block.text for block in as_message.content if block.type == "text"),
        as_response=client.responses.create(model="doctor", input=QUESTION).output_text,
        error=error_of(lambda: ask(QUESTION, model="nobody")),
    )
finally:
    proxy.terminate()
    proxy.wait()
