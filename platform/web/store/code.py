"""A question to a GPT over the API, as code to copy. The key comes from the environment, never from the page."""

import json
import shlex
from dataclasses import dataclass
from typing import Final

CURL: Final = """\
curl {url}/v1/chat/completions \\
  -H "Authorization: Bearer $GUILDHALL_KEY" \\
  -H "Content-Type: application/json" \\
  -d {body}"""
PYTHON: Final = """\
import os
from openai import OpenAI

client = OpenAI(base_url="{url}/v1", api_key=os.environ["GUILDHALL_KEY"])
answer = client.chat.completions.create(
    model="{slug}",
    messages=[{{"role": "user", "content": {question}}}],
)
print(answer.choices[0].message.content)"""
JAVASCRIPT: Final = """\
const response = await fetch("{url}/v1/chat/completions", {{
  method: "POST",
  headers: {{
    Authorization: `Bearer ${{process.env.GUILDHALL_KEY}}`,
    "Content-Type": "application/json",
  }},
  body: JSON.stringify({{
    model: "{slug}",
    messages: [{{ role: "user", content: {question} }}],
  }}),
}});
const answer = await response.json();
console.log(answer.choices[0].message.content);"""


@dataclass(frozen=True, slots=True)
class Snippet:
    """The code in one language; `id` names it in the page."""

    id: str
    language: str
    code: str


def snippets(site_url: str, slug: str, question: str) -> tuple[Snippet, ...]:
    """The question to the GPT `slug` in each language. Whatever it says, it stays one string there."""
    body = {"model": slug, "messages": [{"role": "user", "content": question}]}
    # Escaped to ASCII, a JSON string is one in Python and JavaScript too.
    filled = {"url": site_url, "slug": slug, "question": json.dumps(question), "body": shlex.quote(json.dumps(body))}
    languages = (("curl", "curl", CURL), ("python", "Python", PYTHON), ("javascript", "JavaScript", JAVASCRIPT))
    return tuple(Snippet(f"code-{name}", title, code.format(**filled)) for name, title, code in languages)
