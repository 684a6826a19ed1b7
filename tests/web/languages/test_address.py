"""People are addressed in one way in each language, on pages and in the fixed replies of chats."""

import re
import tomllib

import pytest
from babel.messages.pofile import read_po
from django.conf import settings

from web import catalogs

REPLIES = settings.REPOSITORY / "gpts/runs/fixed_replies.toml"
# What is said to a model, which nobody minds.
TO_MODELS = re.compile("^Continue exactly where you stopped|You help ")
# Words of the other way.
OTHER = {"de": "du dich dir dein deine deinen deiner frag", "fr": "tu te toi ton ta tes", "es": "usted ustedes"}


@pytest.mark.parametrize("language", OTHER)
def test_nobody_is_addressed_in_two_ways(language: str) -> None:
    with catalogs.po_path(language).open("rb") as file:
        pages = [str(each.string) for each in read_po(file) if each.id and not TO_MODELS.search(str(each.id))]
    replies = tomllib.loads(REPLIES.read_text("utf-8"))[language].values()
    wrong = re.compile(rf"\b(?:{'|'.join(OTHER[language].split())})\b")
    assert not [text for text in (*pages, *map(str, replies)) if wrong.search(text.lower())]
