"""The console's icon font has every icon that its pages name."""

from tests.icons import NAME, OWN, UNFOLD, glyphs_of, named


def test_the_icon_font_has_every_icon_that_pages_of_the_console_name():
    missing = named(glyphs_of(UNFOLD / "static" / NAME)) - glyphs_of(OWN)
    assert not missing, "run `python -m tests.icons`"
