"""Chats as PDF: set by Typst in the confined child process, and read again with pdfium."""

import json
from io import BytesIO

import pypdfium2
import pytest
from django.test import Client
from PIL import Image

from gpts.knowledge.documents import Citation
from gpts.runs.steps import Finished, ToolResult
from web import passing_files, rpc
from web.runs import exports, files, log, services
from web.runs.models import Conversation
from workers import tasks
from workers.rpc import exporting

ANSWER = """It costs **12 EUR**, see [the list](https://example.org/list).

| Seal | Price |
|---|---|
| ZP-771 | 12 EUR |

1. one
   - within

```python
def price():
    return 12
```

$E = mc^2$"""
HOSTILE = [
    '#read("/etc/passwd")',
    '#import "@preview/cetz:0.3.0"',
    '#eval("1+1") $ sqrt(2) $ *bold* _it_ `raw` <label> @ref // comment /* x */',
    "</script><img src=x onerror=alert(1)> \\u{41} \\#",
    "= Heading\n- item\n+ item\n/ Term: x\n#set page(width: 1pt)",
    '"; } #panic() {',
]


@pytest.fixture(autouse=True)
def worker(monkeypatch):
    """The site's call is done here."""

    def call_for(person, task, *args, **_):
        assert task == "workers.tasks.export_pdf"
        return tasks.export_pdf(*args)

    monkeypatch.setattr(rpc, "call_for", call_for)


def chat_of(run, *answers: str) -> Conversation:
    """The run's chat, in which this was answered."""
    for text in answers:
        log.append(run.id, Finished(text=text))
        if text != answers[-1]:
            run = services.start_run(Conversation.objects.get(id=run.message.conversation_id), "And now?")
    return Conversation.objects.get(id=run.message.conversation_id)


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    return "\n".join(page.get_textpage().get_text_range() for page in document).replace("\r\n", "\n")


def test_a_chat_has_its_texts_tables_code_links_and_sources(run):
    ends = ANSWER.index("**,") + 2
    where = {"file_id": "f", "segment": "s", "chunk": 0, "start": 0, "end": 9, "answer_start": 0, "answer_end": ends}
    cited = Citation(tag=1, file_name="prices.pdf", quote="Seal ZP-771: 12 EUR", page=3, **where)
    log.append(run.id, Finished(text=ANSWER, citations=(cited,)))
    pdf = exports.as_pdf(Conversation.objects.get(id=run.message.conversation_id))
    text = text_of(pdf)
    for words in ("Which seal fits the Z-9?", "It costs 12 EUR", "ZP-771", "def price():", "• within", "E = mc^2"):
        assert words in text
    assert "1. prices.pdf, page 3: “Seal ZP-771: 12 EUR”" in text
    assert b"https://example.org/list" in pdf
    assert b"/StructTreeRoot" in pdf  # tagged, for screen readers


@pytest.mark.parametrize("hostile", HOSTILE)
def test_texts_are_never_typst_code(run, hostile):
    run.message.text = hostile
    run.message.save()
    chat = chat_of(run, f"```\n{hostile}\n```")
    chat.title = hostile.split("\n")[0]
    chat.save()
    text = text_of(exports.as_pdf(chat))
    for line in hostile.split("\n"):
        assert text.count(line) >= 2, text  # as the message and as code
    assert "root:" not in text


def test_pictures_are_shown_and_other_files_named(run):
    held = BytesIO()
    Image.new("RGB", (300, 200), (10, 120, 80)).save(held, "png")
    made = (
        files.keep(run, "chart.png", held.getvalue(), untrusted=False),
        files.keep(run, "table.csv", b"a,b\n1,2\n", untrusted=False),
        files.keep(run, "broken.png", b"\x89PNG\r\n\x1a\n broken", untrusted=True),
    )
    log.append(run.id, ToolResult(call_id="c", name="python", text="", files=made))
    pdf = exports.as_pdf(chat_of(run, "Here."))
    page = pypdfium2.PdfDocument(pdf)[0]
    colours = page.render(scale=1).to_pil().convert("RGB").getcolors(1 << 20)
    assert max(n for n, colour in colours if abs(colour[1] - 120) < 12 and colour[0] < 40) > 10_000
    assert "Files: table.csv" in text_of(pdf)


def test_a_character_without_a_font_is_named_and_never_a_box(run):
    text = text_of(exports.as_pdf(chat_of(run, "Done \U0010fffd.")))
    assert "Done [U+10FFFD]." in text
    assert "named in brackets" in text


def test_a_text_in_a_script_without_a_font_has_no_pdf_and_is_told_of_the_print_page(run):
    client = Client()
    client.force_login(run.owner)
    chat = chat_of(run, "\U00010570\U00010571" * 30)  # Vithkuqi, of 2021
    refused = client.get(f"/api/conversations/{chat.id}/export?format=pdf")
    assert refused.status_code == 400
    assert "Choose “Print” instead" in refused.json()["detail"]
    page = client.get(f"/c/{chat.id}/export.pdf", follow=True)
    assert page.redirect_chain == [(f"/c/{chat.id}/share", 302)]
    assert "Choose “Print” instead" in page.content.decode()


def test_right_to_left_texts_begin_at_the_right(run):
    pdf = exports.as_pdf(chat_of(run, "שלום עולם"))
    page = pypdfium2.PdfDocument(pdf)[0].get_textpage()
    (left, *_) = page.get_charbox(page.search("שלום").get_next()[0])
    assert left > 400


def test_long_words_and_deep_lists_stay_on_the_page(run):
    deep = "\n".join(f"{'  ' * n}- level {n}" for n in range(29))
    wide = "|".join(["", *("x" * 200 for _ in range(8)), ""])
    pdf = exports.as_pdf(chat_of(run, f"{'a' * 3000}\n\n{deep}\n\n{wide}\n{'|---' * 8}|\n{wide}"))
    document = pypdfium2.PdfDocument(pdf)
    for page in document:
        text = page.get_textpage()
        assert all(text.get_rect(i)[2] <= page.get_width() for i in range(text.count_rects()))


def test_what_is_too_long_or_takes_too_long_is_refused(run, monkeypatch):
    chat = chat_of(run, "Long. " * 100)
    passing_files.folder().mkdir()
    monkeypatch.setattr(exporting, "LIMITS", exporting.ParserLimits(wall_s=0, cpu_s=1))
    assert tasks.export_pdf(str(chat.id), "x") == {"refused": exporting.TOO_LONG}
    monkeypatch.setattr(exporting, "MAX_CHARS", 100)
    assert tasks.export_pdf(str(chat.id), "x") == {"refused": exporting.TOO_LONG}


def test_pages_and_api_give_the_same_formats(run):
    client = Client()
    client.force_login(run.owner)
    chat = chat_of(run, "Yes.")
    api = {each: client.get(f"/api/conversations/{chat.id}/export?format={each}") for each in ("json", "md", "pdf")}
    page = client.get(f"/c/{chat.id}/export.pdf")
    assert [each.status_code for each in (*api.values(), page)] == [200] * 4
    assert json.loads(api["json"].content)["messages"][1]["content"] == "Yes."
    assert "## Pump Doctor" in api["md"].content.decode()
    assert text_of(api["pdf"].content) == text_of(page.content)
    assert page.headers["Content-Disposition"].startswith('attachment; filename="chat.pdf"')
    assert client.get(f"/api/conversations/{chat.id}/export?format=exe").status_code == 422
