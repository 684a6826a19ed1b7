"""Bringing another GPT into a conversation: who may, whose name it is, how long it stays."""

import threading

import pytest
from django.db import connection

from gpts.runs.steps import ApprovalRequest, Finished, ModelReply
from tests.publishing import publish
from tests.web.runs.attached import attached
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.services import create_gpt, delete_gpt, set_sharing, update_gpt
from web.runs import approving, log, services
from web.runs.access import access_conversation
from web.runs.errors import EmptyMessage, GuestGone, Refused, StillAnswering
from web.runs.mentions import Mention, find_mention, mentionable
from web.runs.models import Message, Permission, Run

UNKNOWN = "GPT “{}” not found, or you don’t have access to it."


def made(owner, name: str, sharing: str = Sharing.STORE, **fields) -> Gpt:
    """A published GPT of `owner`."""
    gpt = create_gpt(owner, {"name": name, **fields})
    publish(gpt, sharing)
    return gpt


@pytest.fixture
def clerk(alice) -> Gpt:
    """Another GPT of Alice's, in the store."""
    return made(alice, "Tax Clerk", description="Knows the forms.", instructions="Help with taxes.")


@pytest.fixture
def diary(alice) -> Gpt:
    """A GPT that only Alice may use."""
    return made(alice, "Secret Diary", Sharing.ME)


def ended(run: Run, text: str = "Fine.") -> Run:
    log.append(run.id, Finished(text=text))
    return run


def asked(run: Run) -> str:
    return log.read(run.id)[0].text


class TestMention:
    """For one message."""

    def test_the_mentioned_gpt_answers_with_its_published_version(self, conversation, clerk):
        update_gpt(clerk, {"instructions": "A draft."}, by=clerk.owner)
        run = services.start_run(conversation, "How much?", mention="tax-clerk")
        assert run.gpt == clerk
        assert run.version.spec().instructions == "Help with taxes."
        ended(run)
        assert services.start_run(conversation, "And the seal?").gpt == conversation.gpt

    @pytest.mark.parametrize("text", ["@tax-clerk how much?", "@Tax Clerk how much?", "@TAX CLERK,  how much?"])
    def test_a_text_that_begins_with_its_name_mentions_it(self, conversation, clerk, text):
        run = services.start_run(conversation, text)
        assert (run.gpt, asked(run), run.message.text) == (clerk, "how much?", text)

    @pytest.mark.parametrize("text", ["@someone hi", "@tax-clerks hi", "Ask @tax-clerk", "@ tax-clerk hi", "@", "@@"])
    def test_any_other_text_stays_a_text(self, conversation, clerk, text):
        run = services.start_run(conversation, text)
        assert (run.gpt, asked(run)) == (conversation.gpt, text)

    def test_what_one_may_not_use_is_answered_like_what_is_not_there(self, conversation, diary):
        for slug in ("secret-diary", "nothing-here", "", "x\x00"):
            if slug:
                with pytest.raises(Refused, match=UNKNOWN.format(slug.replace("\x00", "."))):
                    services.start_run(conversation, "Hello", mention=slug)
        assert not Message.objects.exists()
        run = services.start_run(conversation, "@Secret Diary hello")
        assert (run.gpt, asked(run)) == (conversation.gpt, "@Secret Diary hello")

    def test_an_unpublished_one_is_refused_also_to_its_owner(self, alice, gpt):
        create_gpt(alice, {"name": "Draft"})
        with pytest.raises(Refused, match=UNKNOWN.format("draft")):
            services.start_run(services.start_conversation(alice, gpt), "Hello", mention="draft")

    def test_a_name_alone_asks_nothing(self, conversation, clerk):
        with pytest.raises(EmptyMessage, match="Tax Clerk"):
            services.start_run(conversation, "@Tax Clerk ")
        assert not Message.objects.exists()

    def test_a_name_alone_may_bring_a_file(self, bob, conversation, clerk):
        run = services.start_run(conversation, "@Tax Clerk ", attachments=[attached(bob).id])
        assert (run.gpt, asked(run)) == (clerk, "")

    def test_the_chats_own_gpt_answers_as_itself(self, conversation, clerk):
        ended(services.start_run(conversation, "How much?", mention="tax-clerk", stay=True))
        run = services.start_run(conversation, "@Pump Doctor which seal?")
        conversation.refresh_from_db()
        assert (run.gpt, run.version, asked(run)) == (conversation.gpt, conversation.version, "which seal?")
        assert conversation.guest == clerk

    def test_making_an_answer_again_keeps_who_gave_it(self, conversation, clerk):
        run = ended(services.start_run(conversation, "@tax-clerk how much?"))
        publish(clerk)
        again = services.regenerate(run.message)
        assert (again.version, asked(again)) == (run.version, "how much?")

    def test_an_answer_is_not_made_again_by_a_gpt_that_is_gone(self, conversation, clerk):
        run = ended(services.start_run(conversation, "@tax-clerk how much?"))
        set_sharing(clerk, Sharing.ME, by=clerk.owner)
        with pytest.raises(GuestGone, match="no longer shared"):
            services.regenerate(run.message)

    def test_a_task_of_another_gpt_mentions_nobody(self, bob, gpt, clerk):
        conversation = services.start_conversation(bob, gpt, "delegation")
        assert services.start_run(conversation, "@tax-clerk hello").gpt == gpt


class TestNames:
    """Whom a text calls."""

    NAMES = [
        ("tax-1", "Tax"),
        ("tax-clerk", "Tax Clerk"),
        ("cpp", "C++ (v2.0)* [a|b]"),
        ("gpt", "🦑 Squid"),
        ("x", "ß"),
    ]

    @pytest.mark.parametrize(
        ("text", "called"),
        [
            ("@tax clerk hi", Mention("Tax Clerk", ("tax-clerk",), "hi")),
            ("@tax clerk :)", Mention("Tax Clerk", ("tax-clerk",), ":)")),
            ("@Tax: hi", Mention("Tax", ("tax-1",), "hi")),
            ("@c++ (V2.0)* [A|b] hi", Mention("C++ (v2.0)* [a|b]", ("cpp",), "hi")),
            ("@🦑 squid\nhi", Mention("🦑 Squid", ("gpt",), "hi")),
            ("@taxes hi", None),
            ("@C hi", None),
        ],
    )
    def test_the_longest_name_wins_whatever_it_is_made_of(self, text, called):
        assert find_mention(text, self.NAMES) == called

    def test_a_very_long_name_is_a_name(self):
        name = "Very " * 9 + "Long"
        assert find_mention(f"@{name} hi", [("v", name)]) == Mention(name, ("v",), "hi")

    def test_a_slug_comes_before_another_ones_name(self):
        assert find_mention("@echo hi", [("other", "echo"), ("echo", "Parrot")]) == Mention("echo", ("echo",), "hi")

    def test_two_of_one_name_are_told_apart_by_their_slugs(self, conversation, clerk, bob):
        other = made(bob, "Tax Clerk")
        with pytest.raises(Refused, match=r"@tax-clerk \(Alice\) or @tax-clerk-2 \(Bob\)"):
            services.start_run(conversation, "@Tax Clerk hi")
        assert services.start_run(conversation, "@tax-clerk-2 hi").gpt == other

    def test_nobody_takes_over_a_name_that_a_person_uses(self, bob, conversation, clerk, charlie):
        services.cancel_run(services.start_run(conversation, "@tax-clerk hi"))
        made(charlie, "Tax Clerk")
        run = services.start_run(conversation, "@Tax Clerk how much?")
        assert run.gpt == clerk
        services.cancel_run(run)
        services.cancel_run(services.start_run(conversation, "@tax-clerk-2 hi"))
        with pytest.raises(Refused, match="Several GPTs"):
            services.start_run(conversation, "@Tax Clerk how much?")

    def test_the_chats_own_gpt_is_meant_by_its_name(self, conversation, bob):
        made(bob, "Pump Doctor")
        assert services.start_run(conversation, "@Pump Doctor hi").gpt == conversation.gpt

    def test_a_draft_has_the_name_that_people_know(self, conversation, clerk):
        update_gpt(clerk, {"name": "Coming Soon"}, by=clerk.owner)
        assert services.start_run(conversation, "@Coming Soon hi").gpt == conversation.gpt


class TestGuest:
    """Until dismissed."""

    @pytest.fixture
    def visited(self, conversation, clerk):
        ended(services.start_run(conversation, "How much?", mention="tax-clerk", stay=True))
        return conversation

    def test_it_answers_until_it_is_dismissed(self, visited, clerk):
        assert ended(services.start_run(visited, "And now?")).gpt == clerk
        services.dismiss_guest(visited)
        assert services.start_run(visited, "And now?").gpt == visited.gpt

    def test_another_one_answers_a_message_in_between(self, visited, clerk, bob):
        parrot = made(bob, "Parrot")
        assert ended(services.start_run(visited, "@parrot hi")).gpt == parrot
        assert services.start_run(visited, "And now?").gpt == clerk

    def test_it_speaks_from_its_newest_version(self, visited, clerk):
        version = publish(clerk)
        assert services.start_run(visited, "And now?").version == version

    @pytest.mark.parametrize(
        ("end", "why"),
        [(delete_gpt, "deleted"), (lambda gpt: set_sharing(gpt, Sharing.ME, by=gpt.owner), "no longer shared")],
    )
    def test_one_that_is_gone_is_dismissed_with_a_word(self, visited, clerk, end, why):
        end(clerk)
        with pytest.raises(GuestGone, match=f"Tax Clerk .*{why}.* Send again to ask Pump Doctor."):
            services.start_run(visited, "And now?")
        assert visited.messages.count() == 1
        assert services.start_run(visited, "And now?").gpt == visited.gpt

    def test_what_another_tab_dismissed_answers_no_more(self, visited, bob):
        stale = access_conversation(bob, visited.id)
        services.dismiss_guest(visited)
        assert services.start_run(stale, "And now?").gpt == visited.gpt
        assert not type(visited).objects.get(id=visited.id).guest


@pytest.mark.django_db(transaction=True)
def test_of_two_messages_at_once_one_is_answered(conversation, clerk):
    outcomes = []

    def send(mention: str) -> None:
        try:
            again = type(conversation).objects.get(id=conversation.id)
            outcomes.append(services.start_run(again, "Hi", mention=mention, stay=True).gpt.slug)
        except StillAnswering:
            outcomes.append("busy")
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(mention,)) for mention in ("tax-clerk", "pump-doctor")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes)[0] == "busy"
    assert Run.objects.count() == 1


def test_always_allowing_is_for_the_gpt_that_asked(conversation, clerk, bob):
    run = services.start_run(conversation, "Send it.", mention="tax-clerk")
    log.append(run.id, ModelReply(text=""))
    log.append(run.id, ApprovalRequest(call_id="c", name="file", host="tax.example", digest="d", may_remember=True))
    approving.answer_approval(run, "c", True, remember=True)
    assert Permission.objects.get().gpt == clerk


class TestMentionable:
    """The list to choose from."""

    def names(self, user, query: str = "") -> list[str]:
        return [gpt.name for gpt in mentionable(user, query)]

    def test_it_holds_what_one_may_use_and_nothing_else(self, gpt, clerk, diary, alice, bob, charlie):
        create_gpt(bob, {"name": "Bob's draft"})
        made(bob, "Bob's own", Sharing.ME)
        assert self.names(bob) == ["Bob's own", "Tax Clerk", "Pump Doctor"]
        assert self.names(charlie) == ["Tax Clerk", "Pump Doctor"]
        assert self.names(charlie, "diary") == self.names(charlie, "secret") == []
        assert self.names(alice, "secret") == ["Secret Diary"]

    def test_what_was_used_last_comes_first(self, conversation, clerk, bob, run):
        assert self.names(bob) == ["Pump Doctor", "Tax Clerk"]
        services.cancel_run(run)
        services.start_run(conversation, "How much?", mention="tax-clerk")
        assert self.names(bob) == ["Tax Clerk", "Pump Doctor"]

    @pytest.mark.parametrize("query", ["t", "tax", "clerk", "tax c", "TAX-CL", "taxx clrek", "forms", "tax\x00"])
    def test_it_finds_names_and_forgives_slips(self, clerk, gpt, bob, query):
        assert self.names(bob, query)[0] == "Tax Clerk"

    @pytest.mark.parametrize("name", ["C++ (v2.0)* [a|b]", "🦑 Squid", "100 % \\d+"])
    def test_any_name_is_found_as_it_is_written(self, bob, alice, name):
        made(alice, name)
        assert self.names(bob, name[:4]) == [name]

    def test_typing_searches_the_texts_of_the_newest_personal_ones_and_the_names_of_all(self, bob, monkeypatch):
        """The texts of 2,000 were read at each letter: 7.6 s of the web process."""
        monkeypatch.setattr("web.builder.search.N_PERSONAL", 2)
        for name in ("Roses", "Herbs", "Trees"):
            made(bob, name, Sharing.ME, description="About gardens.")
        assert self.names(bob, "gardens") == ["Trees", "Herbs"]
        assert self.names(bob, "roses") == ["Roses"]

    def test_a_draft_is_found_by_the_name_that_people_know(self, clerk, bob):
        update_gpt(clerk, {"name": "Coming Soon"}, by=clerk.owner)
        assert self.names(bob, "coming") == []
