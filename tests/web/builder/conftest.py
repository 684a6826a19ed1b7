"""What tests of the creator's form share."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from web.accounts.models import User
from web.builder.models import Gpt


@pytest.fixture(autouse=True)
def pictures(settings, tmp_path) -> Path:
    """A picture folder of the test's own."""
    settings.MEDIA_ROOT = tmp_path / "pictures"
    return settings.MEDIA_ROOT


@pytest.fixture
def as_alice(client, alice: User) -> Client:
    """A browser in which Alice is signed in."""
    client.force_login(alice)
    return client


@pytest.fixture
def fields(gpt: Gpt) -> dict[str, Any]:
    """What the form of Alice's GPT sends when nothing is changed."""
    return {
        "name": gpt.name,
        "description": "Finds the fault.",
        "category": gpt.category,
        "instructions": gpt.instructions,
        "starters": gpt.starters,
        "temperature": gpt.temperature,
        "max_tokens": gpt.max_tokens or "",
        "face": gpt.face,
        "sharing": gpt.sharing,
    }


JSON = {"Accept": "application/json"}
