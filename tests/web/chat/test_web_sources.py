"""A citation of a page of the web leads to that page, with the words that were read there."""

import pytest
from django.urls import reverse

from gpts.runs.steps import Finished, ModelReply, ToolCall, ToolResult
from gpts.safety.labels import untrusted
from web.runs import log

from .conftest import ANSWER, PASSAGE, cited

pytestmark = pytest.mark.django_db
URL = "https://pumps.example.org/seals?model=z9"


def test_a_cited_page_is_opened_at_its_address(as_bob, run):
    page = PASSAGE.model_copy(update={"url": URL, "file_name": "Seals of the Z-9", "page": None, "heading": ""})
    citation = cited(1, "Service it every 450 hours.", ANSWER, "Service the seal every 450 hours.", page)
    call = ToolCall(call_id="c1", name="open_page", arguments={"url": URL})
    result = ToolResult(call_id="c1", name="open_page", text="…", passages=(page,), label=untrusted("a page"))
    last = Finished(text=ANSWER, citations=(citation.model_copy(update={"url": URL}),))
    for step in (ModelReply(text="", tool_calls=(call,)), result, last):
        log.append(run.id, step)
    shown = as_bob.get(reverse("chat", args=[run.message.conversation_id])).content.decode()
    assert f'href="{URL}"' in shown
    assert "Open on pumps.example.org" in shown
    assert "Drain the housing first." in shown  # the passage around the quote
    assert reverse("chat_source", args=[run.id, 0]) not in shown
