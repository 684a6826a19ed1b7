"""instructor, by JSON schema and by a tool."""

import json
import os

import instructor
from openai import OpenAI
from pydantic import BaseModel

QUESTION = "Which seal kit fits the Zephyr-9, and how often is it serviced?"


class Service(BaseModel):
    """What is wanted."""

    kit: str
    hours: int


def value_by(mode: instructor.Mode) -> dict:
    client = instructor.from_openai(OpenAI(base_url=os.environ["BASE_URL"]), mode=mode)
    asked = [{"role": "user", "content": QUESTION}]
    found = client.chat.completions.create(
        model=os.environ["MODEL"], messages=asked, response_model=Service, max_retries=0
    )
    return found.model_dump()


plain = OpenAI(base_url=os.environ["BASE_URL"])
whole = plain.chat.completions.create(model=os.environ["MODEL"], messages=[{"role": "user", "content": QUESTION}])
print(json.dumps({"answer": whole.choices[0].message.content, "value": value_by(instructor.Mode.JSON_SCHEMA)}))
