"""Whether a model server goes on with an answer that it is given the beginning of.

vLLM and SGLang do so if asked, llama.cpp and Ollama always; others write a new answer after it or refuse the request.
"""

from collections.abc import Iterator
from typing import Final

from gpts.runs.messages import PromptMessage
from workers.engine.base import GenerationRequest, Token

# Of what goes on in the middle of a word, only a model that was given it as its own can write the rest of the word.
CONTINUING: Final = GenerationRequest(
    (PromptMessage(role="user", content="Count from one to twenty in words, in one line, with spaces between."),),
    max_tokens=16,
    begun="one two three four five six seven eight nine ten eleven twelve thirt",
    deadline_s=20.0,
)


def continues(tokens: Iterator[Token]) -> bool:
    """Whether the reply to CONTINUING goes on where that ends."""
    text = "".join(token.text for token in tokens)
    return text.startswith("een") and "fourteen" in text
