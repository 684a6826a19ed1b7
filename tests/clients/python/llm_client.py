"""Simon Willison's `llm`, with the models that its configuration file adds."""

import json
import os
from pathlib import Path

folder = Path(os.environ["LLM_USER_PATH"])
folder.mkdir(parents=True, exist_ok=True)
(folder / "extra-openai-models.yaml").write_text(
    f"- model_id: doctor\n  model_name: {os.environ['MODEL']}\n  api_base: {os.environ['BASE_URL']}\n"
    "  api_key_name: doctor\n  supports_tools: true\n  supports_schema: true\n"
)
(folder / "keys.json").write_text(json.dumps({"doctor": os.environ["OPENAI_API_KEY"]}))
import llm  # noqa: E402 - it reads the folder's name on import

QUESTION = "Which seal kit fits the Zephyr-9, and how often is it serviced?"
calls = []


def get_weather(city: str) -> str:
    """The weather in a city."""
    calls.append(["get_weather", {"city": city}])
    return f"{city}: 7 degrees, snow."


model = llm.get_model("doctor")
found = {"answer": model.prompt(QUESTION, stream=False).text()}
found["streamed"] = "".join(model.prompt(QUESTION))
schema = llm.schema_dsl("kit, hours int")
found["value"] = json.loads(model.prompt(QUESTION, schema=schema).text())
found["with_tool"] = model.chain("What is the weather in Bern?", tools=[get_weather]).text()
found["calls"] = calls
found["delegated"] = model.prompt("What is the yearly tax on pumps?").text()
print(json.dumps(found))
