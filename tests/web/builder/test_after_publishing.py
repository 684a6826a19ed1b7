"""What a creator sees after "Publish": what comes next, or the fields that are wrong; and the GPT's one address."""

import pytest

from tests.publishing import publish
from web.builder.models_access import LinkGrant, Sharing
from web.builder.services import rotate_link, set_sharing

pytestmark = pytest.mark.django_db


def address(gpt) -> str:
    return f"/g/{gpt.slug}/?link={gpt.link_secret}"


@pytest.fixture
def linked(gpt):
    publish(gpt)
    return set_sharing(gpt, Sharing.LINK, by=gpt.owner)


def test_what_comes_next_stands_on_the_page(as_alice, gpt, fields):
    response = as_alice.post(
        f"/gpts/{gpt.slug}/edit", {**fields, "sharing": "link", "action": "publish"}, follow=True
    )
    gpt.refresh_from_db()
    page = response.content.decode()
    assert response.redirect_chain[-1][0] == f"/gpts/{gpt.slug}/edit?published=2"
    assert "Version 2 published. Anyone with the link can use it." in page
    assert f'id="published-link" readonly value="http://127.0.0.1:8000{address(gpt)}"' in page
    assert f'href="/g/{gpt.slug}/chat"' in page
    assert "Version 2 published" not in as_alice.get(f"/gpts/{gpt.slug}/edit?published=1").content.decode()


def test_what_is_wrong_is_named(as_alice, gpt, fields):
    wrong = {**fields, "name": "", "temperature": 9, "action": "publish"}
    page = as_alice.post(f"/gpts/{gpt.slug}/edit", wrong).content.decode()
    assert "(Name, Temperature)" in page


def test_the_address_of_its_page_can_be_handed_on(client, linked, bob, charlie):
    client.force_login(bob)
    page = client.get(address(linked))
    assert page.status_code == 200
    assert linked.name in page.content.decode()
    assert client.get(f"/l/{linked.link_secret}/").url == f"/g/{linked.slug}/"
    assert client.get(f"/g/{linked.slug}/").status_code == 200
    client.force_login(charlie)
    assert client.get(f"/g/{linked.slug}/").status_code == 404
    assert client.get(address(linked)).status_code == 200


def test_somebody_signed_out_comes_back_to_it(client, linked):
    assert client.get(address(linked)).url == f"/account/login/?next=/g/{linked.slug}/%3Flink%3D{linked.link_secret}"


def test_a_dead_link_says_whom_to_ask_and_nothing_else(client, linked, bob, charlie, alice):
    client.force_login(bob)
    old = address(linked)
    client.get(old)
    rotate_link(linked)
    client.force_login(charlie)
    for dead in (old, f"/g/{linked.slug}/?link=", f"/g/nothing/?link={linked.link_secret}"):
        page = client.get(dead)
        assert page.status_code == 404
        assert "Ask " in page.content.decode()
        assert alice.shown_name not in page.content.decode()
    assert not LinkGrant.objects.filter(user=charlie).exists()
