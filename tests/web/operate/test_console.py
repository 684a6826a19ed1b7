"""The operator's console: what is done there with people, groups and GPTs, and that its lists stay fast."""

import csv
import html
import io
import re
from datetime import timedelta
from uuid import UUID

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.db import connection, models
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.publishing import publish
from web.accounts import audit, live_settings, people, quotas
from web.accounts.models import User
from web.accounts.models_audit import Act, AuditRow
from web.accounts.models_directory import DirectoryToken
from web.accounts.models_invitations import Invitation
from web.accounts.models_outbox import Webhook
from web.accounts.models_sign_in import SignInProvider
from web.accounts.services import create_key, create_sign_in_link, valid_key
from web.builder.access import access_gpt
from web.builder.actions import privacy_missing
from web.builder.models import Gpt, GptVersion
from web.builder.models_access import Sharing
from web.builder.models_listing import ListingReview
from web.builder.services import WITHDRAWN, create_gpt, delete_gpt, set_sharing
from web.moderation.models import Case
from web.operate import figures
from web.operate.admin_people import KIND_CHOICES
from web.operate.erasure import erase_due
from web.operate.models import MeasuredModel
from web.operate.models_backup import Backup
from web.operate.site import CappedPaginator, OperatorAdmin, discover
from web.runs.models import Run
from web.runs.services import cancel_run, start_conversation, start_run

NO_QUOTAS = {"quota_limits-TOTAL_FORMS": "0", "quota_limits-INITIAL_FORMS": "0"}


@pytest.fixture
def oscar(db) -> User:
    return User.objects.create_superuser("oscar@example.org", "oscar-secret-1", name="Oscar")


@pytest.fixture
def console(oscar) -> Client:
    """The browser of an operator."""
    client = Client()
    client.force_login(oscar)
    return client


def last_acts(n: int) -> list[str]:
    """The last acts of the audit log, oldest first."""
    return list(AuditRow.objects.values_list("act", flat=True)[:n])[::-1]


def test_an_operator_suspends_signs_out_and_lets_in_a_person(console, oscar, bob):
    of_bob = Client()
    of_bob.force_login(bob)
    _, secret = create_key(bob, "laptop")
    act = f"/admin/accounts/user/{bob.pk}/act/"
    assert "Suspend" in console.get(f"/admin/accounts/user/{bob.pk}/change/").text
    console.post(f"{act}sign-out/")
    assert of_bob.get("/account/me/").status_code == 302
    assert valid_key(secret)
    of_bob.force_login(User.objects.get(id=bob.pk))
    console.post(f"{act}suspend/")
    assert of_bob.get("/account/me/").status_code == 302
    assert valid_key(secret) is None
    assert "Reactivate" in console.get(f"/admin/accounts/user/{bob.pk}/change/").text
    console.post(f"{act}reactivate/")
    assert of_bob.get("/account/me/").status_code == 302  # the old session is over for good
    assert valid_key(secret)
    page = console.post(f"{act}link/").text
    assert of_bob.post(re.search(r"/enter/[^\"]+", page)[0]).status_code == 302
    assert of_bob.get("/account/me/").status_code == 200
    console.post(f"/admin/accounts/user/{oscar.pk}/act/suspend/")
    assert User.objects.get(id=oscar.pk).is_active
    assert console.get(f"{act}suspend/").status_code == 405
    assert [row.by_id for row in AuditRow.objects.filter(act=Act.PERSON_SUSPENDED)] == [oscar.pk]


def confirmed(client: Client, url: str) -> str:
    """The page at `url`, for which the operator enters their password."""
    client.post("/account/login/", {"login": "oscar@example.org", "password": "oscar-secret-1"})
    assert client.get(url).url.startswith("/account/reauthenticate/")
    client.post("/account/reauthenticate/", {"password": "oscar-secret-1", "next": url})
    return client.get(url).text


def test_an_operator_erases_a_person_and_transfers_their_gpts(oscar, alice, bob, gpt, run, proven):
    for reporters in ([alice], [alice, bob]):  # one is about nothing once Alice’s report is erased
        case = Case.objects.create(owner=oscar, gpt=create_gpt(oscar, {"name": "Reported"}))
        for person in reporters:
            case.reports.create(owner=person)
    client, path = Client(), f"/admin/accounts/user/{alice.pk}/erase/"
    page = confirmed(client, path)
    assert "1 GPT with 0 files" in page
    assert "1 GPT" not in client.get(f"/admin/accounts/user/{bob.pk}/erase/").text
    assert "1 chat with" in client.get(f"/admin/accounts/user/{bob.pk}/erase/").text
    for wrong in (
        {"gpts": "delete", "email": bob.email},
        {"gpts": "transfer", "heir": "nobody@example.org", "email": alice.email},
        {"gpts": "transfer", "heir": alice.email, "email": alice.email},
    ):
        assert client.post(path, wrong).status_code == 422
    own = f"/admin/accounts/user/{oscar.pk}/erase/"
    assert "can’t erase yourself" in client.post(own, {"email": oscar.email}).text
    assert User.objects.filter(is_active=True, erased=None).count() == 3

    sent = {"gpts": "transfer", "heir": "Bob@example.org", "email": "Alice@example.org "}
    done = client.post(path, sent, follow=True).text
    assert "alice@example.org is closed" in done
    gpt.refresh_from_db()
    assert (gpt.owner, gpt.deleted) == (bob, None)
    closed = AuditRow.objects.get(act=Act.PERSON_CLOSED)
    assert (closed.by_id, closed.about_id) == (oscar.pk, str(alice.pk))
    client.post(f"/admin/accounts/user/{alice.pk}/act/reactivate/")
    assert not people.reactivate(alice, oscar)  # nor by a case
    assert f"/user/{alice.pk}/" not in client.get("/admin/accounts/user/").text
    erase_due()
    assert not User.objects.filter(id=alice.pk).exists()
    assert access_gpt(bob, gpt.slug)
    assert list(Case.objects.all()) == [case]


def test_a_class_gets_a_group_with_a_quota_and_the_most_generous_limit_holds(console, alice, bob, proven):
    console.post("/admin/auth/group/add/", {"name": "Class 7b", **NO_QUOTAS})
    group = Group.objects.get()
    quota = {"quota_limits-TOTAL_FORMS": "1", "quota_limits-INITIAL_FORMS": "0", "quota_limits-0-kind": "messages"}
    console.post(f"/admin/auth/group/{group.pk}/change/", {"name": "Class 7b", **quota, "quota_limits-0-most": "20"})
    emails = {"emails": "Alice@example.org, bob@example.org nobody@example.org"}
    page = console.post(f"/admin/auth/group/{group.pk}/people/", emails, follow=True).text
    assert "2 people added" in page
    assert "nobody@example.org" in page
    assert f'<a href="/admin/accounts/user/{bob.pk}/change/">{bob.shown_name}</a>' in page
    quotas.set_limit("messages", 10, None)
    assert quotas.limits_of(bob.pk)["messages"] == 20
    other = Group.objects.create(name="Helpers")
    other.quota_limits.create(kind="messages", most=None)
    bob.groups.add(other)
    assert (quotas.limits_of(bob.pk)["messages"], quotas.limits_of(alice.pk)["messages"]) == (None, 20)
    quotas.set_limit("messages", 3, bob)
    assert quotas.limits_of(bob.pk)["messages"] == 3
    console.post(f"/admin/auth/group/{group.pk}/people/", {"emails": "alice@example.org", "remove": "1"})
    assert quotas.limits_of(alice.pk)["messages"] == 10
    recorded = set(AuditRow.objects.values_list("act", flat=True))
    assert {Act.GROUP_CHANGED, Act.QUOTA_CHANGED} <= recorded


def test_an_operator_makes_an_account_that_starts_with_a_link(console):
    new = {"email": "Dana@Example.org", "name": "Dana", **NO_QUOTAS}
    page = console.post("/admin/accounts/user/add/", new).text
    link = re.search(r'value="http://[^"/]+(/enter/[^"]+)" aria-label="Sign-in link"', page)
    assert link
    assert "data-copy" in page
    welcome = Client().get(link[1]).text
    assert "dana@example.org" in welcome
    assert "someone else" not in welcome  # an admin vouches for the address
    dana = User.objects.get(email="dana@example.org")
    assert not dana.has_usable_password()
    assert "dana@example.org" in console.get("/admin/accounts/user/?q=dana").text
    assert last_acts(3) == [Act.PERSON_CREATED, Act.PERSON_CHANGED, Act.LINK_MADE]


def test_what_goes_by_address_goes_to_proven_ones_and_an_operator_may_confirm_one(console, alice, gpt, oscar):
    squatter = User.objects.create_user("ceo@corp.example")
    group = Group.objects.create(name="Board")
    person, board = f"/admin/accounts/user/{squatter.pk}", f"/admin/auth/group/{group.pk}/people/"
    transfer = f"/admin/builder/gpt/{gpt.pk}/act/transfer/"
    for where in (board, transfer):
        sent = {"emails": squatter.email, "email": squatter.email}
        assert "No account with the confirmed address ceo@corp.example" in console.post(where, sent, follow=True).text
    gpt.refresh_from_db()
    assert (group.user_set.count(), gpt.owner) == (0, alice)

    assert "Confirm the address" in console.get(f"{person}/change/").text
    console.post(f"{person}/act/confirm/")
    assert "Confirm the address" not in console.get(f"{person}/change/").text
    assert "1 person added" in console.post(board, {"emails": squatter.email}, follow=True).text
    console.post(f"{person}/change/", NO_QUOTAS | {"email": "new@corp.example", "name": "", "groups": []})
    assert [(each.email, each.verified) for each in EmailAddress.objects.all()] == [("new@corp.example", True)]


def test_an_operator_features_withdraws_restores_and_transfers_a_gpt(console, alice, bob, proven):
    gpt = create_gpt(alice, {"name": "Tax help"})
    action = gpt.actions.create(document={}, name="Prices")
    action.keep_secret("a key of Alice's", by=action.gpt.owner)
    action.save()
    act = f"/admin/builder/gpt/{gpt.id}/act/"
    assert "not in the store" in console.post(f"{act}feature/", follow=True).text
    action.privacy_url = "https://example.org/privacy"
    action.save()
    assert not privacy_missing(gpt)
    publish(gpt, Sharing.STORE)
    console.post(f"{act}feature/")
    assert access_gpt(bob, gpt.slug).featured
    console.post(f"{act}withdraw/")
    gpt.refresh_from_db()
    assert (gpt.featured, Gpt.objects.chattable_by(bob).exists()) == (False, False)
    with pytest.raises(Exception, match=re.escape(WITHDRAWN)):
        set_sharing(gpt, Sharing.LINK, by=gpt.owner)
    console.post(f"{act}restore/")
    set_sharing(Gpt.objects.get(id=gpt.id), Sharing.STORE, by=gpt.owner)
    delete_gpt(Gpt.objects.get(id=gpt.id))
    console.post(f"{act}restore/")
    assert list(Gpt.objects.editable_by(alice)) == [gpt]
    assert "No account" in console.post(f"{act}transfer/", {"email": "no@example.org"}, follow=True).text
    console.post(f"{act}transfer/", {"email": "Bob@example.org"})
    assert (list(Gpt.objects.editable_by(bob)), Gpt.objects.get().actions.get().secret) == ([gpt], "")
    assert last_acts(1) == [Act.GPT_TRANSFERRED]


def test_the_audit_log_is_filtered_and_exported_and_has_no_form(console, oscar, bob):
    quotas.set_limit("messages", 3, bob, by=oscar)
    create_key(bob, "laptop")
    page = console.get(f"/admin/accounts/auditrow/?by__id__exact={oscar.pk}").text
    assert "Quota changed" in page
    assert set(re.findall(r'data-label="What">([^<]*)<', page)) == {"Quota changed", "Signed in"}
    export = console.get("/admin/accounts/auditrow/export.csv?act=key.created")
    rows = list(csv.DictReader(io.StringIO(export.text)))
    assert [(row["act"], row["by_email"]) for row in rows] == [("key.created", "bob@example.org")]
    assert last_acts(1) == [Act.AUDIT_EXPORTED]
    entry = AuditRow.objects.first()
    assert console.get(f"/admin/accounts/auditrow/{entry.pk}/change/").status_code == 404


N = 2 * CappedPaginator.MOST


def multiply(row: Model, **unique: str) -> None:
    """Copies of the row until there are N, by one statement; `unique` are SQL expressions of the number `i`."""
    columns = [field.column for field in row._meta.concrete_fields if field.column not in ("id", *unique)]
    quoted = [connection.ops.quote_name(each) for each in columns]
    table, names = row._meta.db_table, ", ".join((*quoted, *unique))
    values = ", ".join((*quoted, *unique.values()))
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {N})"
            f" INSERT INTO {table} ({names}) SELECT {values} FROM n, {table} WHERE id = %s",
            [row.pk.hex if isinstance(row.pk, UUID) else row.pk],
        )


def n_queries(console: Client, path: str) -> int:
    """How many queries a page needs, of which none counts all rows."""
    with CaptureQueriesContext(connection) as seen:
        assert console.get(path).status_code == 200
    counts = [each["sql"] for each in seen if each["sql"].startswith("SELECT COUNT(")]
    assert counts
    assert [sql for sql in counts if "LIMIT" not in sql] == []
    return len(seen)


def test_lists_ask_the_database_as_often_for_ten_thousand_rows_as_for_sixty(console, oscar):
    User.objects.bulk_create(User(email=f"{each}@example.net") for each in range(60))
    AuditRow.objects.bulk_create(AuditRow(act=Act.SIGN_IN, by=oscar) for _ in range(60))
    Gpt.objects.bulk_create(Gpt(owner=oscar, slug=f"gpt-{each}", name="GPT") for each in range(60))
    gpt, now = Gpt.objects.last(), timezone.now()
    version = GptVersion.objects.create(gpt=gpt, number=1, data={"name": "GPT"})
    case = {"gpt": gpt, "owner": oscar, "decided": now}
    review = {"gpt": gpt, "version": version, "decided": now}
    for n in range(60):
        Case.objects.create(**case)
        ListingReview.objects.create(**review)
        Group.objects.create(name=f"{n}")
        Invitation.objects.create(name="Class", hash=f"{n}", most=1, expires=now)
        DirectoryToken.objects.create(name="City", hash=f"{n}")
        SignInProvider.objects.create(name=f"p{n}")
        Webhook.objects.create(url="https://example.org/")
    lists = [model for model, each in discover()._registry.items() if isinstance(each, OperatorAdmin)]
    paths = [f"{discover()._registry[model].address}{query}" for model in lists for query in ("", "?p=2", "?q=gpt-7")]
    few = [n_queries(console, path) for path in paths]
    key = "gen_random_uuid()" if connection.vendor == "postgresql" else "lower(hex(randomblob(16)))"
    own = {User: {"email": "i || '@example.com'"}, Gpt: {"slug": "'copy-' || i"}, Group: {"name": "'n' || i"}}
    own |= {
        Invitation: {"hash": "'n' || i"},
        DirectoryToken: {"hash": "'n' || i"},
        SignInProvider: {"name": "'n' || i"},
    }
    for model in lists:
        is_uuid = isinstance(model._meta.pk, models.UUIDField)
        multiply(model._default_manager.last(), **own.get(model, {}), **({"id": key} if is_uuid else {}))
    assert [n_queries(console, path) for path in paths] == few
    assert all(model._default_manager.count() > N for model in lists)


def test_a_new_site_says_what_to_set_up_until_it_is_done_or_hidden(oscar, settings, alice):
    client, link = Client(), create_sign_in_link(oscar)
    assert client.post(link.removeprefix(settings.SITE_URL)).headers["Location"] == "/admin/"

    def done() -> list[str]:
        page = client.get("/admin/").text
        return re.findall(r'<li class="done">.*?<b>(.*?)</b>', page, re.DOTALL)

    oscar.set_unusable_password()
    oscar.save()
    client.force_login(oscar)
    assert done() == []
    oscar.set_password("a long one, of oscar's own")
    oscar.save()
    client.force_login(oscar)
    assert done() == ["Set your password"]
    MeasuredModel.objects.create(fingerprint="f", name="org/larger")
    Backup.objects.create(path="/backups/a")
    refused = client.post("/admin/settings/", {"signup_open": "on", "signup_domains": "example.org"}).text
    assert "This needs a mail server" in refused
    settings.EMAIL_HOST, settings.SITE_URL = "mail.example.org", "https://gpts.example.org"
    assert client.post("/admin/settings/", {"signup_open": "on", "signup_domains": "Example.org"}).status_code == 302
    wrong = client.post("/admin/settings/", {"signup_open": "on", "signup_domains": "school"}).text
    assert "“school” isn’t a domain" in wrong.partition('id="id_signup_domains"')[2].partition("<label")[0]
    client.post("/admin/settings/", {"signup_open": "on", "signup_domains": " @School.org,*.Uni.example "})
    assert live_settings.get("SIGNUP_DOMAINS") == ["school.org", "*.uni.example"]
    assert len(done()) == 6
    client.post("/admin/checklist/done/")
    assert "First steps" not in client.get("/admin/").text
    client.logout()
    link = create_sign_in_link(oscar)  # not their first sign-in
    assert client.post(link.removeprefix("https://gpts.example.org")).headers["Location"] == "/"


def test_settings_change_while_the_site_runs(console, settings, alice):
    visitor = Client()
    assert 'name="email"' in visitor.get("/account/signup/").text
    sent = {"banner": "Closed <b>today</b>", "quota_messages": "7", "quota_tokens": "unlimited"}
    console.post("/admin/settings/", sent)
    assert 'name="email"' not in visitor.get("/account/signup/").text
    assert "Closed &lt;b&gt;today&lt;/b&gt;" in visitor.get("/").text
    assert (quotas.limits_of(alice.pk)["messages"], quotas.limits_of(alice.pk)["tokens"]) == (7, None)
    live_settings.forget()  # as another process
    assert live_settings.get("SIGNUP_OPEN") is False
    page = console.post("/admin/settings/", {**sent, "quota_messages": "many"})
    assert "Enter a number" in page.text
    console.post("/admin/settings/", {"signup_open": "on"})
    assert quotas.limits_of(alice.pk)["messages"] == settings.MESSAGES_A_DAY
    assert AuditRow.objects.filter(act=Act.SETTING_CHANGED).count() == 4
    log = html.unescape(console.get("/admin/accounts/auditrow/").text)
    for about, value in (
        ("Anyone can sign up", "on → off"),
        ("Announcement", "empty → (text)"),
        ("everyone", "kind: Messages, value: default → 7"),
        ("everyone", "kind: Tokens, value: unlimited → default"),
    ):
        assert re.search(rf">\s*{about}\s*<.{{,600}}{re.escape(value)}", log, re.DOTALL), value
    assert console.get("/admin/settings/").text.count("0: none.") == len(quotas.KINDS)


def test_the_page_of_settings_says_what_each_does_and_where_it_is_set_but_no_value(console, monkeypatch, alice):
    monkeypatch.setenv("SEARCH_KEY", "brave-secret-1")
    monkeypatch.setenv("IMAGE_KEY_FILE", "/run/secrets/image")
    console.post("/admin/settings/", {"signup_open": "", "quota_messages": "7"})
    page = console.get("/admin/settings/").text
    found = dict(re.findall(r"<code>(\w+)</code> <span[^>]*>(.*?)</span>", page))
    assert found["SEARCH_KEY"] == "Set in the environment"
    assert found["IMAGE_KEY"] == "Set by IMAGE_KEY_FILE"
    assert found["SIGNUP_OPEN"] == found["MESSAGES_A_DAY"] == "Set on this page"
    assert found["APPROVAL_DAYS"] == "Default: 14"
    assert found["RERANKER"] == "Not set"
    assert found.keys() >= {kind.setting for kind in quotas.KINDS.values()}
    assert "Days after which a request for approval that nobody answered counts as declined." in page
    assert "<summary>The web <" in page
    assert "brave-secret-1" not in page


def test_pages_of_figures_show_what_is_slow_used_and_stored(console, gpt, bob, alice, monkeypatch):
    conversation = start_conversation(bob, gpt)
    run = start_run(conversation, "How heavy is it?")
    Run.objects.update(n_tokens=1_234, queued=timezone.now() - timedelta(minutes=5))
    gpt.files.create(name="manual.pdf", sha256="a", size=5_000_000)
    health = console.get("/admin/health/").text
    assert "Redis is not responding" in health
    assert re.search(r"1 wait, the first for 3\d\d s", health)  # seconds more on a busy machine
    usage = console.get("/admin/usage/?days=7").text
    assert "bob@example.org" in usage
    assert "1234" in usage
    assert gpt.name in console.get("/admin/storage/").text
    assert "Programming" in console.get("/admin/builder/gpt/").text  # the category, not its key
    cancel_run(run)
    monkeypatch.setattr(figures.stream, "model_worker", dict)
    monkeypatch.setattr(figures.stream, "tools_are_up", lambda: True)
    why = {"image_generation": "It isn't set up on this site. Ask your admin."}
    monkeypatch.setattr(figures.stream, "missing_capabilities", lambda: why)
    health = console.get("/admin/health/").text
    assert "1 wait" not in health
    assert "Ask your admin" not in health
    assert "/admin/services/#pictures" in health
    assert "Messages" in console.get("/admin/").text


def test_the_console_says_what_takes_space_who_is_new_and_which_release_runs(console, home, alice):
    for name, size in (("models/hub/a", 3_000_000), ("segments/b", 2_000_000), ("files/c", 1_000_000)):
        (home / name).parent.mkdir(parents=True)
        (home / name).write_bytes(bytes(size))
    health = html.unescape(console.get("/admin/health/").text)
    for title, size in (("Models", "2.9"), ("Indexes", "1.9"), ("Uploads and pictures", "976.6"), ("Backups", "0")):
        assert re.search(rf"<dt>{title}</dt><dd>{size}\s", health), title
    assert re.search(r"<dt>Database</dt><dd>[\d.]+\s[KM]B", health)
    for page in (health, console.get("/admin/").text):
        assert re.search(r"<dt>New accounts in 7 days</dt><dd>2</dd>", page)
        assert re.search(r"<dt>Free disk</dt><dd>[\d.]+ of [\d.]+ GB</dd>", page)
        assert re.search(r"<dt>Release</dt><dd>\d+\.\d+\.\d+( \([0-9a-f]{7,}, \d{4}-\d\d-\d\d\))?</dd>", page)


def test_no_name_of_a_gpt_passes_for_another_one_or_for_facts(client, oscar, gpt):
    Gpt.objects.filter(id=gpt.id).update(name="Tax”, how: removed")
    for about in (gpt, ""):
        audit.record(Act.WEBHOOK_CHANGED, oscar, about, how="made", gpt=str(gpt.pk))
    client.force_login(oscar)
    page = html.unescape(client.get("/admin/accounts/auditrow/").content.decode())
    assert page.count("how: removed") == page.count('“Tax", how: removed” (pump-doctor)') > 2


def test_the_console_says_names_and_says_nothing_twice(client, oscar, bob, gpt):
    group = Group.objects.create(name="Teachers")
    for about in (bob, group):
        audit.record(Act.GROUP_CHANGED, oscar, about, person=bob.pk)
    audit.record(Act.GPT_SHARED, oscar, gpt, group=group.pk, person=None, right="none")
    audit.record(Act.WEBHOOK_CHANGED, oscar, "", gpt="none such")
    client.force_login(oscar)
    page = client.get("/admin/accounts/auditrow/").content.decode()
    assert "bob@example.org" in page
    assert "Teachers" in page
    assert f"person {bob.id}" not in page
    assert "person: bob@example.org" in page
    assert "group: Teachers, right: none" in page
    assert "Pump Doctor" in page
    assert "review before listing yet" not in client.get("/admin/builder/listingreview/").content.decode()
    assert not [title for _, title in KIND_CHOICES if title == "GPTs (GPTs)"]


def test_usage_is_shown_by_month_and_group_and_saved(console, run, bob, alice):
    Run.objects.filter(pk=run.pk).update(n_tokens=1234)
    group = Group.objects.create(name="7b")
    page = console.get("/admin/usage/").text
    assert "Nobody in a group asked anything." in page
    group.user_set.add(bob)
    row = f'href="/admin/auth/group/{group.pk}/change/">7b</a></td><td>1</td><td>1234'
    assert row in console.get("/admin/usage/").text
    month = f"{timezone.localdate():%Y-%m}"
    saved = console.get(f"/admin/usage/?month={month}&group={group.pk}&csv=1")
    rows = list(csv.reader(io.StringIO(saved.content.decode("utf-8-sig"))))
    assert rows == [["Person", "Signs in as", "Answers", "Tokens"], ["Bob", "bob@example.org", "1", "1234"]]
    others = Group.objects.create(name="8b")
    assert "Nobody asked anything." in console.get(f"/admin/usage/?month={month}&group={others.pk}").text
    before = f"{timezone.localdate().replace(day=1) - timedelta(days=1):%Y-%m}"
    assert "Nobody asked anything." in console.get(f"/admin/usage/?month={before}").text
    assert console.get("/admin/usage/?month=2026-99&group=x&days=y").status_code == 200
