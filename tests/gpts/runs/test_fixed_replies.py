"""Answers that no model writes: the same in every language."""

import string
import tomllib
from pathlib import Path

from gpts.runs import fixed_replies
from gpts.runs.fixed_replies import decline, fixed_reply, is_decline
from gpts.spec.gpt import GptSpec

TEXTS = tomllib.loads(Path(fixed_replies.__file__).with_suffix(".toml").read_text("utf-8"))


def test_every_language_has_every_reply_with_the_same_blanks():
    def blanks(text):
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    shapes = {lang: {name: blanks(text) for name, text in texts.items()} for lang, texts in TEXTS.items()}
    assert all(shape == shapes["en"] for shape in shapes.values())


def test_a_decline_offers_the_starters_as_the_creator_wrote_them():
    spec = GptSpec(slug="strict", name="Strict", starters=("Which seal?", "How often?"))
    declined = decline("fr", spec)
    assert declined.startswith("Les fichiers n’en parlent pas.\n\nVous pouvez par exemple me demander :")
    assert declined.endswith("\n\n- Which seal?\n- How often?")
    assert is_decline(declined)
    assert not is_decline("The files say nothing on parking.")


def test_other_languages_get_english():
    assert fixed_reply("fi", "not_covered") == fixed_reply("en", "not_covered")
