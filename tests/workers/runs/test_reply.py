"""What is shown of a reply while it comes."""

import pytest

from workers.engine.base import Token
from workers.runs.reply import ReplyCollector


@pytest.mark.parametrize(
    ("written", "shown", "declined"),
    [
        ("[not covered] I can’t tell: ask Priya.", "I can’t tell: ask Priya.", True),
        ("**[Not covered]**\n\n**Sorry**, ask Priya.", "**Sorry**, ask Priya.", True),
        ("NOT COVERED. Ask Priya.", "Ask Priya.", True),
        ("[not covered]", "", True),
        ("Not covered.", "", True),
        ("The files don’t cover that.\n\nAsk Priya.", "The files don’t cover that.\n\nAsk Priya.", True),
        ("Not covered by the warranty are seals.", "Not covered by the warranty are seals.", False),
        ("[notes.md] says: 5.", "[notes.md] says: 5.", False),
        ("No", "No", False),
    ],
)
def test_a_mark_at_the_beginning_is_never_shown_and_the_model_s_own_words_are(written, shown, declined):
    collector = ReplyCollector(0, may_decline=True)
    pieces = [collector.take(Token(letter)) for letter in written]
    assert "".join([*pieces, collector.finish()]) == shown
    step = collector.step()
    assert (step.text, step.declined) == (shown, declined)


def test_where_a_gpt_may_say_what_it_likes_a_mark_is_text():
    collector = ReplyCollector(0)
    assert collector.take(Token("[not covered] Hm.")) + collector.finish() == "[not covered] Hm."
