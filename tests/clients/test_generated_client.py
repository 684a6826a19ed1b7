"""The typed client that anyone can generate from `/api`'s document."""

import pytest

pytestmark = [pytest.mark.clients, pytest.mark.process]


def test_the_client_generated_from_the_document_makes_a_gpt_asks_it_and_pages(run_client):
    found = run_client("generated/native_client.py")

    # The generator knows no pictures and archives; their bytes come nonetheless.
    picture, export, page = found["warnings"]
    assert "/gpts/{slug}/picture" in picture
    assert "/gpts/{slug}/export" in export
    assert "/pages/{page}" in page
    assert found["file"] == "seals.txt"
    assert found["status"] == "completed"
    assert found["answer"]
    assert found["slugs"][:3] == ["third", "second", "seal-clerk"]
    assert found["problem"] == [422, "invalid", "name"]
