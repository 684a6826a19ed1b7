"""Which pages may use the microphone."""

import pytest

from tests.publishing import publish
from web.builder.models_access import Sharing
from web.builder.services import create_gpt

pytestmark = pytest.mark.django_db


def test_only_chats_may_use_the_microphone(client, bob):
    gpt = create_gpt(bob, {"name": "Pump Doctor", "description": "Pumps.", "instructions": "Help."})
    publish(gpt, Sharing.STORE)
    client.force_login(bob)

    def policy(path: str) -> str:
        response = client.get(path)
        assert response.status_code == (404 if "nowhere" in path else 200)
        return response.headers["Permissions-Policy"]

    assert "microphone=(self)" in policy(f"/g/{gpt.slug}/chat")
    for path in ("/", f"/gpts/{gpt.slug}/edit", "/chats/", "/nowhere"):
        assert "microphone=()" in policy(path)
        assert "camera=()" in policy(path)
