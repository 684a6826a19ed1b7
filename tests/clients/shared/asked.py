"""What each client in Python is asked, the function that it brings, and what it prints."""

import json
import os
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

URL, KEY, MODEL = os.environ["BASE_URL"], os.environ["OPENAI_API_KEY"], os.environ["MODEL"]
QUESTION = "Which seal kit fits the Zephyr-9, and how often is it serviced?"
WEATHER = "What is the weather in Bern?"
TAXES = "What is the yearly tax on pumps?"
UNKNOWN = "no-such-gpt"
SLOWLY = f"{QUESTION} Answer slowly."
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
calls: list[list[Any]] = []


class Service(BaseModel):
    """What is wanted."""

    kit: str
    hours: int


def get_weather(city: str) -> str:
    """The weather in a city.

    Args:
        city: Its name.
    """
    calls.append(["get_weather", {"city": city}])
    return f"{city}: 7 degrees, snow."


def error_of(ask: Callable[[], Any]) -> str:
    """The name of the exception that a call raises."""
    try:
        ask()
    except Exception as error:  # noqa: BLE001 - each client has its own
        return type(error).__name__
    return "none"


def show(**found: Any) -> None:
    """Prints it as the last line."""
    print("\n" + json.dumps(found | ({"calls": calls} if calls else {})))
