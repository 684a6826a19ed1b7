"""People with whom a GPT is shared to edit: what they may do in its owner's place, and what stays the owner's."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from tests.publishing import publish
from tests.web.builder.conftest import JSON
from tests.web.builder.test_actions import CALL, DOCUMENT, SECRET, worker  # noqa: F401 - a fixture
from web.accounts import live_settings, people
from web.accounts.models import User
from web.accounts.models_audit import AuditRow
from web.accounts.services import create_key, vouch_for_address
from web.builder import actions, auth, delegates, listing, services, shares, sources, versions
from web.builder.actions import DocumentSource
from web.builder.auth import AuthSetting
from web.builder.models import Gpt
from web.builder.models_actions import Action
from web.builder.models_sources import Source
from web.operate.erasure import erase
from web.runs.models import Conversation, Run
from web.runs.quota_use import use_of
from workers.egress import EgressConfig
from workers.rpc import sign_ins
from workers.tools import ToolError

EVIL = "GET https://api.parts.example/erin"
OTHER = DOCUMENT.replace("/parts", "/erin")


@pytest.fixture
def erin(db) -> User:
    """She edits Alice's GPT."""
    made = User.objects.create_user("erin@example.org", name="Erin")
    vouch_for_address(made)
    return made


@pytest.fixture
def shared(gpt, erin) -> Gpt:
    shares.share(gpt, "edit", email=erin.email)
    return services.update_gpt(gpt, {"description": "Finds the fault."}, by=gpt.owner)


@pytest.fixture
def as_erin(erin) -> Client:
    client = Client()
    client.force_login(erin)
    return client


@pytest.fixture
def api(erin) -> Client:
    return Client(headers={"Authorization": f"Bearer {create_key(erin, 'k', scopes=['read', 'manage'])[1]}"})


def end(gpt: Gpt) -> None:
    for share in gpt.shares.all():
        shares.unshare(gpt, share.id)


class TestDraft:
    """The draft, and publishing it."""

    def test_they_change_and_publish_it_in_their_name_for_whom_its_owner_chose(self, shared, as_erin, fields, erin):
        before = shared.sharing
        sent = {**fields, "description": "By Erin.", "sharing": "store" if before != "store" else "me"}
        as_erin.post(f"/gpts/{shared.slug}/edit", {**sent, "action": "publish"})
        shared.refresh_from_db()
        assert (shared.published.data["description"], shared.published.author) == ("By Erin.", erin)
        assert (shared.sharing, shared.changed_by) == (before, erin)
        assert AuditRow.objects.filter(act="gpt.published").latest("id").by == erin

    def test_programs_of_theirs_cannot_change_who_can_use_it_either(self, shared, api):
        other = "link" if shared.sharing != "link" else "me"
        for method, place in (("patch", ""), ("post", "/publish"), ("post", "/publish-when-ready")):
            send = getattr(api, method)
            refused = send(f"/api/gpts/{shared.slug}{place}", {"sharing": other}, content_type="application/json")
            assert (refused.status_code, "Only Alice" in refused.text) == (422, True)
        same = api.post(f"/api/gpts/{shared.slug}/publish", {"sharing": shared.sharing}, "application/json")
        assert (same.status_code, same.json()["author"]) == (201, "Erin")

    def test_it_is_among_their_gpts_marked_as_shared_and_without_the_secret_link(self, gpt, erin, as_erin, api):
        services.set_sharing(gpt, "link", by=gpt.owner)
        shares.share(gpt, "edit", email=erin.email)
        assert "Shared by Alice" in as_erin.get("/gpts/").text
        assert [(each["slug"], each["right"]) for each in api.get("/api/gpts").json()["items"]] == [
            (gpt.slug, "edit")
        ]
        seen = api.get(f"/api/gpts/{gpt.slug}").json()
        assert (seen["right"], seen["link"]) == ("edit", None)
        assert gpt.link_secret not in as_erin.get(f"/gpts/{gpt.slug}/edit").text

    def test_an_admins_gpt_is_reviewed_if_an_editor_who_is_none_publishes_it(self, shared, alice, erin):
        live_settings.change("REVIEW_LISTINGS", True, alice)
        User.objects.filter(id=alice.id).update(is_staff=True)
        now = Gpt.objects.get(id=shared.id)
        assert (listing.is_needed(now, by=now.owner), listing.is_needed(now, by=erin)) == (False, True)

    def test_another_right_or_a_withdrawn_gpt_opens_nothing(self, gpt, shared, as_erin, erin):
        page = f"/gpts/{gpt.slug}/edit"
        for right, status in (("view", 404), ("chat", 404), ("edit", 200)):
            shares.share(gpt, right, email=erin.email)
            assert as_erin.get(page).status_code == status
        Gpt.objects.filter(id=gpt.id).update(withdrawn=timezone.now())
        assert as_erin.get(page).status_code == 404

    def test_a_draft_that_was_never_published_can_be_tried_by_them_alone(self, alice, erin, as_erin, bob):
        draft = services.create_gpt(alice, {"name": "Sketch"})
        shares.share(draft, "edit", email=erin.email)
        shares.share(draft, "view", email=bob.email)
        sent = as_erin.post(f"/gpts/{draft.slug}/preview", {"text": "Hello"}, headers=JSON).json()
        Run.objects.update(status="completed")
        assert as_erin.post(sent["send"], {"text": "Again"}, headers=JSON).status_code == 200
        assert not Gpt.objects.chattable_by(bob).filter(id=draft.id).exists()
        assert shares.seen_by(draft, erin).may_edit

    def test_files_they_add_count_for_its_owner(self, shared, as_erin, alice, erin):
        as_erin.post(f"/gpts/{shared.slug}/files", {"file": SimpleUploadedFile("a.txt", b"x" * 5_000_000)})
        used = [next(each.used for each in use_of(who) if each.kind == "storage_mb") for who in (alice, erin)]
        assert (used[0] > 0, used[1]) == (True, 0)


class TestTwoAtOnce:
    """Two people edit, or one of them no longer may."""

    def test_who_saves_later_is_told_who_changed_it(self, shared, as_alice, as_erin, fields):
        page, sent = f"/gpts/{shared.slug}/edit", {**fields, "revision": shared.revision}
        as_erin.post(page, {**sent, "description": "Erin’s"}, headers=JSON)
        refused = as_alice.post(page, {**sent, "description": "Alice’s"}, headers=JSON)
        assert (refused.status_code, refused.json()["why"]) == (409, "Not saved: Erin changed this GPT.")
        assert "Not saved: Erin changed this GPT." in as_alice.post(page, {**sent, "description": "Alice’s"}).text
        assert Gpt.objects.get(id=shared.id).description == "Erin’s"

    @pytest.mark.parametrize("how", ["unshared", "lowered", "group", "suspended"])
    def test_nothing_is_saved_or_shown_any_more_once_the_right_is_gone(self, gpt, erin, as_erin, fields, how):
        group = Group.objects.create(name="Editors")
        erin.groups.add(group)
        gpt.owner.groups.add(group)
        shares.share(gpt, "edit", group=group.pk) if how == "group" else shares.share(gpt, "edit", email=erin.email)
        page = f"/gpts/{gpt.slug}/edit"
        tried = as_erin.post(f"/gpts/{gpt.slug}/preview", {"text": "Hello"}, headers=JSON).json()
        Gpt.objects.filter(id=gpt.id).update(publish_when_ready=True, awaited_by=erin)
        {
            "unshared": lambda: end(gpt),
            "lowered": lambda: shares.share(gpt, "view", email=erin.email),
            "group": lambda: erin.groups.clear(),
            "suspended": lambda: people.suspend(erin, gpt.owner),
        }[how]()
        late = as_erin.post(page, {**fields, "description": "Late"}, headers=JSON)
        assert late.status_code in ((302, 401) if how == "suspended" else (404,))
        again = as_erin.post(tried["send"], {"text": "And now?"}, headers=JSON)
        shown = as_erin.get(f"/api/runs/{tried['run']}")
        assert (again.status_code, shown.status_code) == ((401, 401) if how == "suspended" else (404, 404))
        assert services.publish_if_awaited(gpt) is None
        gpt.refresh_from_db()
        assert (gpt.publish_when_ready, gpt.description == "Late") == (False, False)

    def test_the_account_of_an_editor_is_erased_and_the_version_stays(self, shared, erin, worker):  # noqa: F811
        action = actions.add_action(shared, DocumentSource(DOCUMENT), "", "https://parts.example/privacy", by=erin)
        auth.set_auth(action, AuthSetting("bearer", SECRET), by=erin)
        version = services.publish(shared, by=erin)
        Gpt.objects.filter(id=shared.id).update(publish_when_ready=True, awaited_by=erin)
        erase(erin)
        version.refresh_from_db()
        action.refresh_from_db()
        shared.refresh_from_db()
        assert (version.author, action.secret, shared.publish_when_ready) == (None, "", False)


class TestKeys:
    """Keys of others, which editors may use and not send elsewhere."""

    @pytest.fixture
    def keyed(self, shared, worker):  # noqa: F811
        action = actions.add_action(
            shared, DocumentSource(DOCUMENT), privacy_url="https://parts.example/privacy", by=shared.owner
        )
        return auth.set_auth(action, AuthSetting("bearer", SECRET), by=action.gpt.owner)

    def lent(self, action, call: str = CALL) -> bool:
        try:
            return bool(sign_ins.find_credential(EgressConfig(), str(action.id), 1, action.host, call).secrets)
        except ToolError:
            return False

    def test_one_goes_to_no_operation_that_whoever_entered_it_has_not_seen(self, shared, keyed, erin, alice):
        actions.update_action(keyed, DocumentSource(OTHER), {}, by=erin)
        keyed.refresh_from_db()
        assert keyed.keyless == [each["name"] for each in keyed.operations] != []
        services.publish(shared, by=erin)
        assert (self.lent(keyed), self.lent(keyed, EVIL)) == (True, False)  # the live version goes on
        versions.restore_version(shared, 2, by=alice)
        keyed.refresh_from_db()
        if not self.lent(keyed):
            auth.set_auth(keyed, AuthSetting("bearer", SECRET), by=alice)
        assert not self.lent(keyed, EVIL)  # nor in chats that began with Erin's

    def test_one_from_before_there_were_editors_serves_what_there_was(self, shared, keyed, alice):
        actions.update_action(keyed, DocumentSource(OTHER), {}, by=alice)
        publish(shared)
        actions.update_action(keyed, DocumentSource(DOCUMENT), {}, by=alice)
        Action.objects.update(secret_by=None, secret_for=None)
        import_module("web.builder.migrations.0003_release_0_2_data").keep_for_owners(apps, None)
        other = "GET https://api.parts.example/else"
        assert [self.lent(keyed, each) for each in (CALL, EVIL, other)] == [True, True, False]
        assert Action.objects.get().secret_by == alice

    def test_its_enterer_may_change_the_address_on_its_host(self, keyed, alice):
        actions.update_action(keyed, DocumentSource(OTHER), {}, by=alice)
        assert (self.lent(keyed), self.lent(keyed, EVIL)) == (True, True)

    def test_the_path_of_the_address_counts(self, keyed, erin):
        actions.update_action(keyed, DocumentSource(server="https://api.parts.example/erin"), {}, by=erin)
        assert not self.lent(keyed, "GET https://api.parts.example/erin/parts")

    @pytest.mark.parametrize(
        ("setting", "is_kept"),
        [
            (AuthSetting("bearer"), True),
            (AuthSetting("basic"), False),
            (AuthSetting("header", header="X-Log-Me"), False),
            (AuthSetting("none"), False),
        ],
    )
    def test_it_is_dropped_when_they_change_how_calls_authenticate(self, keyed, erin, setting, is_kept):
        assert bool(auth.set_auth(keyed, setting, by=erin).secret) == is_kept

    def test_how_people_sign_in_is_the_owners(self, keyed, erin):
        setting = AuthSetting(
            "oauth", SECRET, client_id="c", authorize_url="https://a.example/", token_url="https://a.example/t"
        )
        with pytest.raises(ValidationError, match="Only Alice"):
            auth.set_auth(keyed, setting, by=erin)
        auth.set_auth(keyed, setting, by=keyed.gpt.owner)
        with pytest.raises(ValidationError, match="Only Alice"):
            auth.set_auth(keyed, AuthSetting("none"), by=erin)

    def test_a_key_in_a_query_is_not_shown_to_them(self, keyed, api, shared):
        keyed.document_url = "https://api.parts.example/openapi.json?key=sk-1"
        keyed.save()
        shown = api.get(f"/api/gpts/{shared.slug}/actions").text
        assert [words in shown for words in ("sk-1", SECRET, "openapi.json")] == [False, False, True]

    def test_the_password_of_a_source_reads_nothing_else_for_them(self, shared, alice, erin):
        mail = {"host": "imap.example.org", "user": "desk", "folder": "Manuals", "days": 90}
        source = sources.save(Source(gpt=shared, kind="imap"), mail, "word", 24, True, by=alice)
        sources.save(source, mail, None, 9, False, by=erin)
        with pytest.raises(ValidationError, match="Somebody else entered this"):
            sources.save(source, {**mail, "folder": "INBOX"}, None, 9, False, by=erin)
        sources.save(source, {**mail, "folder": "INBOX"}, "of Erin", 9, False, by=erin)
        with pytest.raises(ValidationError, match="Somebody else entered this"):
            sources.save(source, {**mail, "folder": "Erin"}, None, 9, False, by=alice)


class TestDelegates:
    """GPTs that it asks: open to its owner and to who adds them."""

    def test_neither_reaches_gpts_of_the_other_through_it(self, shared, alice, erin, api, proven):
        of_alice, of_erin = (services.create_gpt(who, {"name": f"Of {who.name}"}) for who in (alice, erin))
        for each in (of_alice, of_erin):
            publish(each)
        with pytest.raises(ValidationError, match="GPT not found"):
            delegates.add(shared, of_alice.slug, by=erin)
        with pytest.raises(ValidationError, match="Alice, who owns this GPT, doesn’t have access"):
            delegates.add(shared, of_erin.slug, by=erin)
        assert {of_alice, of_erin}.isdisjoint(delegates.choices(erin, shared))
        delegates.add(shared, of_alice.slug, by=shared.owner)
        services.update_gpt(of_alice, {"name": "Secret plan"}, by=of_alice.owner)
        [row] = api.get(f"/api/gpts/{shared.slug}/delegates").json()["items"]
        assert (row["name"], "You don’t have access" in row["trouble"]) == (of_alice.slug, True)
        shares.share(of_erin, "chat", email=alice.email)
        assert delegates.add(shared, of_erin.slug, by=erin).delegate == of_erin


def test_the_conversation_with_the_builder_is_each_persons_own(shared, as_erin, erin):
    as_erin.post(f"/gpts/{shared.slug}/build", {"text": "Please change this GPT."})
    assert Conversation.objects.filter(owner=erin, gpt=shared, origin="builder").exists()
    assert "Please change this GPT." in as_erin.get(f"/gpts/{shared.slug}/edit?tab=create").text
