"""An answer becomes safe HTML, and citation tags never change what it says."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpts.knowledge.documents import Citation
from web.chat.rendering import _markdown, render_answer, render_message

SAFE_TAGS = set(
    "a blockquote br code del div em h1 h2 h3 h4 h5 h6 hr li ol p pre s span strong table".split()
    + "tbody td th thead tr ul".split()
)
SAFE_ATTRIBUTES = {"href", "title", "rel", "target", "class", "start", "tabindex", "role", "aria-label"}


def at(end: int) -> Citation:
    """A citation of a sentence that ends at `end`."""
    return Citation(
        tag=1,
        file_id="f",
        file_name="a.md",
        segment="s",
        chunk=0,
        quote="q",
        start=0,
        end=1,
        answer_start=0,
        answer_end=end,
    )


def html(text: str, *ends: int) -> str:
    return str(render_answer(text, [at(end) for end in ends], lambda index: f"[[{index}]]"))


def after(text: str, *words: str) -> str:
    """`text` rendered with a citation right behind each of `words`."""
    return html(text, *(text.index(word) + len(word) for word in words))


class Elements(HTMLParser):
    """Collects every element and attribute of a piece of HTML."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def test_code_in_a_message_is_shown_as_code_and_nothing_else_of_it_is_markdown():
    told = "Why **this**?\r\n  1 < 2\n\n```py\nx = '<b>'\n```\n~~~\nleft open & on"
    html = str(render_message(told))
    assert html.startswith('<p>Why **this**?\n  1 &lt; 2</p><div class="code">')
    assert "<code class=\"language-py\">x = '&lt;b&gt;'\n</code>" in html
    assert html.endswith("left open &amp; on</code></pre></div>\n")
    assert render_message("") == ""


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox)",
    "![x](https://evil.example/pixel.png)",
    "![x](data:image/png;base64,AAAA)",
    "[![x](https://evil.example/a.png)](https://evil.example)",
    "[x](/account/logout/)",
    "[x](//evil.example)",
    '```x" onmouseover="alert(1)\ncode\n```',
    "```</code></pre><script>alert(1)</script>\n```",
    "[a](https://x.example 'title\" onclick=\"alert(1)')",
    '<https://x.example/"onmouseover=alert(1)>',
    "[ref]\n\n[ref]: javascript:alert(1)",
    "<style>*{display:none}</style><svg/onload=alert(1)><iframe src=//x>",
    "| a |\n|-|\n| <b onclick=x>y</b> |",
    "<!-- <p> --><div class=cite>",
    "\x00<b>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_answers_become_harmless(text):
    elements = Elements(html(text, len(text)))
    assert elements.tags <= SAFE_TAGS
    assert {name for name, _ in elements.attributes} <= SAFE_ATTRIBUTES
    links = [value for name, value in elements.attributes if name == "href"]
    assert all(re.match(r"https?://|mailto:", link) for link in links)


def test_links_open_elsewhere_and_pass_no_reputation():
    assert 'target="_blank"' in html("[x](https://example.org)")
    assert 'rel="noopener noreferrer nofollow ugc"' in html("[x](https://example.org)")


def test_an_image_is_a_link_to_it_and_is_never_loaded():
    shown = html("![a chart](https://example.org/c.png)")
    assert "<img" not in shown
    assert ">a chart (picture on example.org)</a>" in shown


def test_an_address_in_the_text_is_no_link():
    assert "<a" not in html("Go to https://example.org now.")


def test_a_tag_stands_behind_its_sentence():
    assert after("It leaks. Change it.", "leaks.", "it.") == "<p>It leaks.[[0]] Change it.[[1]]</p>\n"


def test_two_tags_behind_one_sentence_keep_their_order():
    assert html("It leaks.", 9, 9) == "<p>It leaks.[[0]][[1]]</p>\n"


def test_a_tag_behind_bold_text_leaves_it_bold():
    assert after("**It leaks.** Next.", "leaks.**") == "<p><strong>It leaks.</strong>[[0]] Next.</p>\n"
    assert "<strong>It leaks.[[0]]</strong>" in after("**It leaks.** Next.", "leaks.")


def test_a_tag_in_a_list_item_stays_in_its_item():
    shown = after("- one.\n- two.\n", "one.", "two.")
    assert "<li>one.[[0]]</li>" in shown
    assert "<li>two.[[1]]</li>" in shown


def test_a_tag_in_a_table_stays_in_its_cell():
    assert "<td>450 h[[0]]</td>" in after("| a |\n|---|\n| 450 h |\n", "450 h")
    assert "<td>450 h[[0]]</td>" in after("| a |\n|---|\n| 450 h |\n\nNext.", "450 h |")


def test_a_tag_in_code_comes_behind_the_code():
    assert after("Run `rm x.` now", "x.") == "<p>Run <code>rm x.</code>[[0]] now</p>\n"
    block = after("```py\nx = 1\ny = 2\n```\nDone.", "x = 1")
    assert '<code class="language-py">x = 1\ny = 2\n</code>' in block
    assert block.index("[[0]]") > block.index("</pre>")


def test_a_tag_in_a_link_comes_behind_the_link():
    assert re.search(
        r"<a [^>]*>the manual</a> <span.*</span>\[\[0\]\]", after("See [the manual](https://x.example).", "manual")
    )


def test_a_tag_in_an_address_leaves_the_address_alone():
    shown = after("See [it](https://x.example/a.html) there", "a.")
    assert 'href="https://x.example/a.html"' in shown
    assert "[[0]]" in shown


@pytest.mark.parametrize("line", ["-\n", "1. a\n", "# a\n", "*", "![a](b) "])
def test_an_answer_is_parsed_a_few_times_however_its_citations_fall(line, monkeypatch):
    """6 kB took 7 s a view of the web process, for up to 240 times."""
    parsed: list[str] = []
    monkeypatch.setattr("web.chat.rendering._markdown", lambda text: parsed.append(text) or _markdown(text))
    ends = range(50, 6_000, 100)

    assert html((line * 6_000)[:6_000], *ends).count("[[") == len(ends)
    assert len(parsed) <= 20


def test_a_table_whose_rows_lack_nearly_all_cells_is_a_text():
    """3 kB became 65,000 cells."""
    wide = "|".join("a" * 100)
    ruled = "|".join("-" * 100)
    assert render_answer(f"{wide}\n{ruled}\n{'a' * 40}\n").count("<td>") == 100
    assert "<table>" not in render_answer(f"{wide}\n{ruled}\n" + "a\n" * 1_000)


def test_code_blocks_name_their_language():
    assert "<span>python</span>" in html("```python\nx\n```")
    assert "<span>code</span>" in html("```\nx\n```")


def test_overrides_of_the_reading_direction_are_dropped():
    assert "\u202e" not in html("abc \u202etxt.exe\u202c def")


def test_an_answer_cannot_forge_a_tag():
    assert "[[" not in html("\ufdd0\ufdd1\ufdd1 &#xFDD0;&#xFDD1;&#xFDD1;")


@pytest.mark.parametrize("begin", ["%EF%B7%90", "%C2%A0%EF%B7%90"])
@pytest.mark.parametrize(
    "link",
    [
        *("<http://x.org/{}>", "<mailto:{}@x.org>", "[a](http://x.org/?q={}&long=012345678901234567890 b)"),
        *("[a](<http://x.org/?q={} 012345678901234567890>)", "[a](http://x.org/#{}-012345678901234567890)"),
        *("![{}](http://x.org/{}.png)", "[a](http://x.org '{}')", "<http://{}.org/>", "```{}\nx\n```"),
    ],
)
def test_an_encoded_mark_in_an_address_forges_no_tag_and_moves_none(begin, link):
    forged = link.format(*[begin + "%EF%B7%91" * 2] * 2)
    assert "[[" not in html(f"It leaks. {forged}")
    tagged = after(f"It leaks. See {forged}, it says.", "leaks.")
    assert re.findall(r"\[\[\d+\]\]", tagged) == ["[[0]]"]
    assert "leaks.[[0]] See" in tagged


MARKS = "word . * ` ** __ ~~ ``` | - 1. > # [ ]( ) ![ <b> &amp; \\ ? é 漢字。 \u202e < ' \" ! ```` https://x.example"
LINES = ["\n", "\n\n", "  \n", "    ", "\t", " ", "```py\n", "---\n", "===\n", "[r]: /u\n", "|a|b|\n|-|-|\n"]
PIECES = st.sampled_from([*MARKS.split(), *LINES])
MARKDOWN = st.lists(PIECES, max_size=30).map("".join)


@settings(max_examples=400, deadline=None)
@given(text=MARKDOWN, data=st.data())
def test_tags_change_nothing_but_appear_once_each(text, data):
    ends = data.draw(st.lists(st.integers(0, len(text)), max_size=5).map(sorted))
    tagged, bare = html(text, *ends), html(text)
    assert sorted(re.findall(r"\[\[(\d+)\]\]", tagged)) == [str(index) for index in range(len(ends))]
    untagged = re.sub(r"\[\[\d+\]\]", "", re.sub(r'<p class="cites">(\[\[\d+\]\])+</p>\n?', "", tagged))
    assert untagged == bare


@settings(max_examples=300, deadline=None)
@given(text=st.one_of(MARKDOWN, st.text(max_size=80), st.lists(st.sampled_from(HOSTILE), max_size=3).map(" ".join)))
def test_no_answer_gets_anything_past_the_allow_list(text):
    elements = Elements(html(text, len(text) // 2))
    assert elements.tags <= SAFE_TAGS
    assert {name for name, _ in elements.attributes} <= SAFE_ATTRIBUTES


def test_items_of_task_lists_have_boxes_and_columns_stand_as_written():
    tasks = html("- [ ] Order the seal\n- [x] Drain it\n- [link] stays")
    assert "<li>☐ Order the seal</li>\n<li>☑ Drain it</li>\n<li>[link] stays</li>" in tasks
    assert "[ ] no item" in html("[ ] no item")
    table = html("a | b | c\n:-- | :-: | --:\n1 | 2 | 3")
    assert '<td class="to-center">2</td>' in table
    assert '<th class="to-right">c</th>' in table
    assert "style" not in table
