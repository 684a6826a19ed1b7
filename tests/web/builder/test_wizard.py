"""The wizard on the Create tab: what the site asks where its model can't fill in the form."""

import pytest
from django.urls import reverse
from django.utils import translation

from gpts.runs.steps import Finished
from gpts.spec.gpt import UNTITLED
from web.builder.models import Gpt
from web.builder.services import create_gpt, update_gpt
from web.engines import NamedEngine
from web.operate.services import save_measurement, seen_model
from web.runs import building
from web.runs.services import finish_run

pytestmark = pytest.mark.django_db
PURPOSE = "Answers questions about rye bread."


@pytest.fixture(autouse=True)
def weak() -> None:
    save_measurement(seen_model("a", "bundled"), {}, {"calls_tools": False}, 1.0)


@pytest.fixture
def draft(alice) -> Gpt:
    return create_gpt(alice, {"name": UNTITLED})


def send(client, gpt, step, *values, **more):
    response = client.post(reverse("gpt_wizard", args=[gpt.slug, step]), {"value": values, **more})
    gpt.refresh_from_db()
    return response


def test_it_asks_one_question_after_the_other_and_fills_in_the_form(as_alice, alice):
    response = as_alice.post(reverse("gpt_describe"), {"text": PURPOSE}, follow=True)
    assert "What should it be called?" in response.content.decode()
    gpt = Gpt.objects.get(owner=alice)
    answers = {
        "name": ["call it Crumb"],
        "tone": ["Short and friendly"],
        "limits": ["Never promise prices."],
        "starters": ["Why is it flat?", "", "yes"],
        "files": ["only"],
    }
    for step, values in answers.items():
        response = send(as_alice, gpt, step, *values, sure="yes")
    assert response.url.endswith("step=done")
    done = as_alice.get(response.url).content.decode()
    assert "Files are still missing" in done
    assert all(
        f">{text}<" in done for text in ("Check your answers", "Crumb", PURPOSE, "Why is it flat?", "Only files")
    )
    assert (gpt.name, gpt.description, gpt.starters) == ("Crumb", PURPOSE, ["Why is it flat?"])
    assert gpt.only_from_knowledge
    assert gpt.instructions.split("\n") == [
        f"What you do: {PURPOSE}",
        "How you answer: Short and friendly",
        "Your limits: Never promise prices.",
    ]


def test_an_answer_given_again_replaces_the_earlier_one(as_alice, draft):
    send(as_alice, draft, "tone", "Formal")
    send(as_alice, draft, "tone", "Short and friendly")
    assert draft.instructions == "How you answer: Short and friendly"
    page = as_alice.get(reverse("gpt_edit", args=[draft.slug]), {"tab": "create", "step": "tone"})
    assert 'value="Short and friendly"' in page.content.decode()


@pytest.mark.parametrize("step", ["purpose", "name", "tone", "limits", "starters"])
@pytest.mark.parametrize("text", ["thanks, how do I publish it?", "whatever you want", "I don’t know", "yes", ""])
def test_what_is_no_answer_is_never_stored_and_asked_again(as_alice, draft, step, text):
    before = draft.draft_spec()
    page = send(as_alice, draft, step, text).content.decode()
    assert 'id="wizard-error" role="alert"' in page
    assert draft.draft_spec() == before


def test_what_may_be_no_answer_is_asked_about_once(as_alice, draft):
    page = send(as_alice, draft, "name", "call it crumb").content.decode()
    assert "Use “crumb” as the name?" in page
    assert draft.name == UNTITLED
    again = send(as_alice, draft, "name", "call it crumb", sure="no").content.decode()
    assert 'value="call it crumb"' in again
    assert "Type the name alone" in again
    assert send(as_alice, draft, "name", "call it crumb", sure="yes").url.endswith("step=tone")
    assert draft.name == "crumb"
    assert send(as_alice, draft, "name", "crumb").status_code == 302  # as it was


def test_a_name_that_looks_like_no_answer_can_be_used_anyway(as_alice, draft):
    page = send(as_alice, draft, "name", "Ask Me Anything").content.decode()
    assert "Use it anyway" in page
    assert draft.name == UNTITLED
    send(as_alice, draft, "name", "Ask Me Anything", sure="yes")
    assert draft.name == "Ask Me Anything"


def test_an_answer_changed_from_the_list_leads_back_to_the_list(as_alice, draft):
    done = reverse("gpt_edit", args=[draft.slug])
    page = as_alice.get(done, {"tab": "create", "step": "done"}).content.decode()
    assert f'href="{done}?tab=create&amp;step=name&amp;change"' in page
    page = as_alice.get(f"{done}?tab=create&step=name&change").content.decode()
    assert '<input type="hidden" name="change">' in page
    assert send(as_alice, draft, "name", "Bread Buddy", change="").url.endswith("step=done")


def test_nothing_is_made_of_a_first_message_that_says_nothing(as_alice, alice):
    page = as_alice.post(reverse("gpt_describe"), {"text": "hi, how does this work?"}).content.decode()
    assert "Describe what it should help with" in page
    assert "hi, how does this work?" in page
    assert not Gpt.objects.filter(owner=alice).exists()


def test_a_short_first_message_is_asked_about(as_alice, alice):
    page = as_alice.post(reverse("gpt_describe"), {"text": "bread baking"}).content.decode()
    assert "Use “bread baking” as its purpose?" in page
    assert not Gpt.objects.filter(owner=alice).exists()
    as_alice.post(reverse("gpt_describe"), {"text": "bread baking", "sure": "yes"})
    assert Gpt.objects.get(owner=alice).description == "bread baking"


def test_only_files_without_one_says_that_files_are_missing(as_alice, draft):
    done = send(as_alice, draft, "files", "only").url
    page = as_alice.get(done).content.decode()
    assert ("Files are still missing" in page, "If they are right" in page) == (True, False)
    assert 'data-show-field="knowledge"' in page
    send(as_alice, draft, "files", "any")
    assert "If they are right" in as_alice.get(done).content.decode()


def test_my_gpts_leads_back_to_the_open_question_of_a_draft_that_the_wizard_began(as_alice, draft):
    form = f'href="{reverse("gpt_edit", args=[draft.slug])}'
    send(as_alice, draft, "name", "Crumb", sure="yes")
    assert f'{form}"' in as_alice.get("/gpts/").content.decode()
    send(as_alice, draft, "purpose", PURPOSE, sure="yes")
    page = as_alice.get("/gpts/").content.decode()
    assert page.count(f'{form}?tab=create"') == 2
    for step, text in {
        "tone": "Short and friendly",
        "limits": "Never promise prices.",
        "starters": "Why flat?",
    }.items():
        send(as_alice, draft, step, text, sure="yes")
    assert f'{form}"' in as_alice.get("/gpts/").content.decode()


def test_the_browsers_back_never_shows_an_older_draft(as_alice, draft):
    assert "no-store" in as_alice.get(reverse("gpt_edit", args=[draft.slug])).headers["Cache-Control"]


def test_too_long_a_name_is_asked_again(as_alice, draft):
    assert "50" in send(as_alice, draft, "name", "Bread " + "x" * 60).content.decode()
    assert draft.name == UNTITLED


def test_it_speaks_the_language_of_the_interface(as_alice, draft):
    as_alice.cookies["django_language"] = "de"
    page = as_alice.get(reverse("gpt_edit", args=[draft.slug]), {"tab": "create"}).content.decode()
    with translation.override("de"):
        asked = translation.gettext("What should it help with?")
    assert asked != "What should it help with?"
    assert asked in page


def test_a_model_that_calls_tools_converses(as_alice, draft):
    save_measurement(seen_model("b", "Qwen3-32B"), {}, {"calls_tools": True}, 1.0)
    page = as_alice.get(reverse("gpt_edit", args=[draft.slug]), {"tab": "create"}).content.decode()
    assert "What should your GPT do?" in page
    assert "wizard" not in page.replace("/wizard", "")


def test_the_create_tab_follows_the_gpts_own_model(as_alice, alice, draft, settings):
    weak_and_strong = {
        name: NamedEngine(
            title=name, url=f"https://{name}.example/v1", model="m", ability={"calls_tools": name == "strong"}
        )
        for name in ("weak", "strong")
    }
    settings.ENGINES = {**settings.ENGINES, **weak_and_strong}
    url = reverse("gpt_edit", args=[draft.slug])

    def guided() -> tuple[bool, bool]:
        page = as_alice.get(url, {"tab": "create"}).content.decode()
        state = as_alice.get(url, headers={"Accept": "application/json"}).json()
        assert ("Create step by step" in page) is state["guided"] is not ("Create by conversation" in page)
        return state["guided"], 'data-guided="true"' in page

    assert guided() == (True, True)  # the site's own model
    update_gpt(draft, {"engine": "strong"}, by=alice)
    assert guided() == (False, False)
    assert building.send(alice, draft, "It is about bread.").version.spec().model.engine == "strong"
    save_measurement(seen_model("b", "Qwen3-32B"), {}, {"calls_tools": True}, 1.0)
    update_gpt(draft, {"engine": "weak"}, by=alice)
    assert guided() == (True, True)


def test_the_builder_answers_with_the_model_that_the_draft_names_now(alice, draft, settings):
    strong = NamedEngine(title="Strong", url="https://strong.example/v1", model="m")
    settings.ENGINES = {**settings.ENGINES, "strong": strong}
    run = building.send(alice, draft, "It is about bread.")
    finish_run(run.id, Finished(text="For whom?"), None)
    update_gpt(draft, {"engine": "strong"}, by=alice)
    assert run.version.spec().model.engine == ""
    assert building.send(alice, draft, "Only rye.").version.spec().model.engine == "strong"


def test_others_answer_for_nobodys_gpt(client, bob, draft):
    client.force_login(bob)
    assert send(client, draft, "name", "Bob’s").status_code == 404
    assert draft.name == UNTITLED
