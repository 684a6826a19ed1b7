"""What one person may use: counted even when much comes at once, refused with a sentence, and shown to them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from threading import Barrier

import openai
import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from gpts.runs.steps import Finished, ModelReply
from tests.web.api.conftest import bearer, key_of, live  # noqa: F401 (a fixture)
from tests.workers.runs.test_loop import told  # noqa: F401
from web.accounts import quotas
from web.accounts.models import DailyUse
from web.accounts.quotas import QuotaExceeded
from web.accounts.services import create_key
from web.builder.files import add_file
from web.builder.models import Gpt
from web.builder.services import create_gpt
from web.runs import files, log, services
from web.runs.errors import OverQuota
from web.runs.models import Conversation, Message, Run
from web.runs.quota_use import use_of
from web.runs.stream import announce_tools

ASK = {"text": "Which seal?"}


def used(person, kind: str) -> int:
    return next(use.used for use in use_of(person) if use.kind == kind)


def at_once(n: int, work) -> list[str]:
    """What became of `n` calls of `work`, each in a thread of its own, which begin together."""
    barrier = Barrier(n)

    def try_it(number: int) -> str:
        barrier.wait()
        try:
            work(number)
        except (QuotaExceeded, OverQuota):
            return "refused"
        else:
            return "done"
        finally:
            connection.close()

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(try_it, range(n)))


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    """Eight requests at once, where five are left, pass five."""

    def check(self, work) -> None:
        assert sorted(at_once(8, work)) == ["done"] * 5 + ["refused"] * 3

    def test_messages(self, bob, gpt, settings):
        settings.MESSAGES_A_DAY = 5
        self.check(lambda n: services.start_run(services.start_conversation(bob, gpt), "Hi"))
        assert (Message.objects.count(), used(bob, "messages")) == (5, 5)

    def test_answers_in_progress(self, bob, gpt, settings):
        settings.MAX_ACTIVE_RUNS = 5
        self.check(lambda n: services.start_run(services.start_conversation(bob, gpt), "Hi"))
        assert Run.objects.count() == used(bob, "messages") == 5  # a refused message is not counted

    def test_gpts(self, bob, settings):
        settings.MAX_GPTS_PER_PERSON = 5
        self.check(lambda n: create_gpt(bob, {"name": f"GPT {n}"}))
        assert Gpt.objects.count() == 5

    def test_keys(self, bob, settings):
        settings.MAX_KEYS_PER_PERSON = 5
        self.check(lambda n: create_key(bob, "program"))

    def test_storage(self, bob, settings):
        settings.MAX_STORAGE_MB_PER_PERSON = 1
        self.check(lambda n: files.attach(bob, f"{n}.txt", [bytes([n]) * 200_000]))

    def test_pictures(self, bob, settings):
        settings.PICTURES_A_DAY = 5
        self.check(lambda n: quotas.take(bob.id, "pictures"))
        assert used(bob, "pictures") == 5


@pytest.mark.django_db
class TestLimits:
    def test_knowledge_and_attachments_count_together_until_they_are_removed(self, bob, settings):
        settings.MAX_STORAGE_MB_PER_PERSON = 1
        gpt = create_gpt(bob, {"name": "Mine"})
        file = add_file(gpt, "a.txt", [b"a" * 600_000])
        with pytest.raises(OverQuota, match="1 MB of files"):
            files.attach(bob, "b.txt", [b"b" * 600_000])
        type(file).objects.update(removed=timezone.now())
        attached = files.attach(bob, "b.txt", [b"b" * 600_000])
        with pytest.raises(QuotaExceeded):
            add_file(gpt, "c.txt", [b"c" * 600_000])
        files.remove(bob, attached.id)
        add_file(gpt, "c.txt", [b"c" * 600_000])

    def test_tokens_of_a_run_and_its_children_count_and_stop_the_next_message(self, run, bob, settings):
        settings.TOKENS_A_DAY = 50
        lease = log.claim(run.id)
        log.append(run.id, ModelReply(text="A.", prompt_tokens=40, completion_tokens=10), lease)
        assert used(bob, "tokens") == 50
        log.append(run.id, Finished(text="A."), lease)  # what is in progress ends
        with pytest.raises(OverQuota, match="50 tokens a day"):
            services.start_run(run.message.conversation, "And now?")
        DailyUse.objects.update(day=timezone.localdate() - timedelta(days=1))
        services.start_run(run.message.conversation, "And now?")  # tomorrow

    def test_an_image_that_could_not_be_made_is_not_counted(self, bob, settings):
        settings.PICTURES_A_DAY = 2
        with pytest.raises(ValidationError, match="the server is away"), quotas.taken(bob.id, "pictures", 2):
            raise ValidationError("the server is away")
        with quotas.taken(bob.id, "pictures", 2):
            pass
        with pytest.raises(QuotaExceeded, match="2 generated images a day"):
            quotas.take(bob.id, "pictures")

    def test_a_persons_own_limit_goes_before_everyones_and_that_before_the_sites(self, alice, bob, settings):
        settings.MESSAGES_A_DAY = 5
        quotas.set_limit("messages", 7, None)
        quotas.set_limit("messages", None, bob)
        assert [quotas.limits_of(each.id)["messages"] for each in (alice, bob)] == [7, None]
        quotas.reset_limit("messages", None)
        assert [quotas.limits_of(each.id)["messages"] for each in (alice, bob)] == [5, None]
        quotas.reset_limit("messages", bob)
        assert quotas.limits_of(bob.id)["messages"] == 5

    def test_old_numbers_are_forgotten(self, bob):
        quotas.add(bob.id, "tokens", 9)
        assert quotas.forget_old() == 0
        DailyUse.objects.update(day=timezone.localdate() - timedelta(days=8))
        assert quotas.forget_old() == 1


@pytest.mark.django_db
class TestCommand:
    def run(self, *args: str) -> str:
        out = StringIO()
        call_command("quotas", *args, stdout=out)
        return out.getvalue()

    def test_operators_set_and_see_limits_for_everyone_and_for_one_person(self, bob, settings):
        assert "5,000  (MESSAGES_A_DAY)" in self.run()
        assert "10  (MESSAGES_A_DAY)" in self.run("messages=10", "tokens=unlimited")
        quotas.take(bob.id, "messages", 3)
        shown = self.run("messages=4", "--person", "bob@example.org")
        assert "3 of 4" in shown
        assert "0 of unlimited" in shown
        assert "bob@example.org: messages 4" in self.run()
        assert "3 of 10" in self.run("messages=default", "--person", bob.email)

    @pytest.mark.parametrize("wrong", [["messages=many"], ["letters=3"], ["messages=1", "tokens"]])
    def test_a_wrong_limit_changes_nothing_and_says_why(self, wrong):
        with pytest.raises(CommandError, match=r"must be|not a quota"):
            self.run(*wrong)
        assert quotas.limits_of(0)["messages"] == 5_000

    def test_an_unknown_person_is_an_error(self):
        with pytest.raises(CommandError, match="No user"):
            self.run("--person", "nobody@example.org")


@pytest.mark.django_db
class TestPages:
    @pytest.fixture
    def bobs(self, client, bob):
        client.force_login(bob)
        return client

    def test_the_usage_page_shows_ones_own_numbers_limits_and_when_they_renew(self, bobs, alice, bob, settings):
        settings.MESSAGES_A_DAY, settings.TOKENS_A_DAY = 1_000, None
        quotas.take(bob.id, "messages", 412)
        quotas.take(alice.id, "messages", 99)
        page = bobs.get("/account/usage/").content.decode()
        assert "412 of 1,000" in page
        assert "0 · No limit" in page
        assert "Renews at 00:00 UTC" in page
        assert "Limit reached" not in page
        quotas.take(bob.id, "messages", 588)
        assert "Limit reached" in bobs.get("/account/usage/").content.decode()
        assert "/account/usage/" in bobs.get("/account/me/").content.decode()

    def test_sandboxes_in_use_are_those_that_a_worker_announced(self, bobs, alice, bob, with_valkey):
        assert used(bob, "sandbox_sessions") == 0
        quotas.set_limit("sandbox_sessions", 4, bob)
        announce_tools({}, {str(bob.id): 2, str(alice.id): 1})
        page = " ".join(bobs.get("/account/usage/").content.decode().split())
        assert "Code interpreter sessions</b><span>2 of 4</span>" in page

    def test_strangers_sign_in_first(self, client):
        assert client.get("/account/usage/").status_code == 302

    def test_a_refused_message_stays_in_the_composer_with_a_sentence(self, bobs, gpt, settings):
        settings.MESSAGES_A_DAY = 0
        answer = bobs.post(f"/g/{gpt.slug}/chat", ASK, headers={"Accept": "application/json"})
        assert answer.status_code == 429
        sentence = "You’ve reached your limit of 0 messages a day. It renews at 00:00 (UTC)."
        assert answer.json() == {"error": sentence}
        assert not Conversation.objects.exists()

    def test_a_gpt_or_key_too_many_is_an_error_at_the_field_that_keeps_what_was_entered(self, bobs, settings):
        settings.MAX_GPTS_PER_PERSON = settings.MAX_KEYS_PER_PERSON = 0
        page = bobs.post("/gpts/new", {"name": "Pump Doctor"}).content.decode()
        assert "reached your limit of 0 GPTs. Delete one." in page
        assert 'value="Pump Doctor"' in page
        page = bobs.post("/account/keys/", {"name": "My program", "days": 90, "scopes": ["chat"]}).content.decode()
        assert "reached your limit of 0 API keys. Revoke one." in page
        assert 'value="My program"' in page

    def test_an_attachment_too_large_for_what_is_left_is_refused(self, bobs, settings):
        settings.MAX_STORAGE_MB_PER_PERSON = 0
        answer = bobs.post("/files/attach", {"file": SimpleUploadedFile("a.txt", b"text")})
        assert (answer.status_code, answer.json()["error"].split(". ")[1]) == (429, "Delete files or chats.")


@pytest.mark.django_db
class TestApi:
    def test_a_used_up_day_is_a_429_that_clients_do_not_repeat(self, bob, gpt, settings):
        settings.MESSAGES_A_DAY = 0
        answer = bearer(key_of(bob)).post(f"/api/gpts/{gpt.slug}/runs", ASK, "application/json")
        assert (answer.status_code, answer.json()["code"]) == (429, "insufficient_quota")
        assert 0 < int(answer.headers["Retry-After"]) <= 24 * 3_600
        assert answer.headers["X-Should-Retry"] == "false"

    def test_too_many_gpts_is_a_429_without_a_time(self, bob, settings):
        bobs = bearer(key_of(bob))
        settings.MAX_GPTS_PER_PERSON = 0
        answer = bobs.post("/api/gpts", {"name": "One more"}, "application/json")
        assert (answer.status_code, answer.json()["code"]) == (429, "insufficient_quota")
        assert "Retry-After" not in answer.headers

    def test_programs_read_their_use(self, bob, settings):
        quotas.take(bob.id, "messages", 3)
        uses = {use["kind"]: use for use in bearer(key_of(bob)).get("/api/usage").json()}
        assert (uses["messages"]["used"], uses["messages"]["limit"]) == (3, 5_000)
        assert uses["messages"]["renews"]
        assert (uses["keys"]["used"], uses["keys"]["renews"]) == (1, None)


@pytest.mark.process
def test_the_official_client_sends_a_refused_request_once(live, bob, gpt, settings):  # noqa: F811
    settings.MESSAGES_A_DAY = 0
    sent = []
    client = openai.OpenAI(base_url=f"{live}/v1", api_key=key_of(bob), timeout=20)
    client._client.event_hooks["request"].append(sent.append)
    with pytest.raises(openai.RateLimitError, match="limit of 0 messages a day") as refused:
        client.chat.completions.create(model=gpt.slug, messages=[{"role": "user", "content": "Hi"}])
    assert (refused.value.code, refused.value.type) == ("insufficient_quota", "insufficient_quota")
    assert 0 < int(refused.value.response.headers["Retry-After"]) <= 24 * 3_600
    assert len(sent) == 1
    assert not Conversation.objects.exists()
