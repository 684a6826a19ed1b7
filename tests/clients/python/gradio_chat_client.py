"""Gradio's chat over a model, without its browser: `load_chat` and the function behind it."""

import gradio
from asked import KEY, MODEL, QUESTION, TAXES, UNKNOWN, URL, error_of, show


def ask(question, model=MODEL, streaming=False):
    chat = gradio.load_chat(URL, model=model, token=KEY, streaming=streaming)
    said = chat.fn(question, [])
    return list(said)[-1] if streaming else said


show(
    answer=ask(QUESTION),
    streamed=ask(QUESTION, streaming=True),
    delegated=ask(TAXES),
    error=error_of(lambda: ask(QUESTION, UNKNOWN)),
)
