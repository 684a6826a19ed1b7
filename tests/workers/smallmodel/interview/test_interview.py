"""The guided interview: what each answer fills in, and what people say instead of an answer."""

import pytest

from gpts.runs.background import Background, Draft
from gpts.runs.state import TurnState
from gpts.runs.steps import Finished, UserMessage
from gpts.spec.builtin_tools import BUILTIN_TOOLS
from gpts.spec.gpt import UNTITLED, GptSpec
from workers.engine.scripted import WEAK
from workers.smallmodel.interview.interview import interview_reply

OFFERED = (("web_browsing", "Web browsing"), ("image_generation", "Image generation"), ("memory", "Memory"))
CATEGORIES = (("home", "Home"), ("work", "Work"), ("other", "Other"))
TOOLS = {"update_draft": BUILTIN_TOOLS["update_draft"].spec}


class Talk:
    """An interview whose answers are written to a draft as the site does it."""

    def __init__(self, write=dict, **fields):
        self.write = write
        self.draft = Draft(name=UNTITLED, category="other", categories=CATEGORIES, offered=OFFERED)
        self.draft = self.draft.model_copy(update=fields)
        self.history = []
        self.suggested = []

    def say(self, *texts: str) -> str:
        """The last reply."""
        for text in texts:
            steps = (UserMessage(text=text, background=Background(draft=self.draft)),)
            state = TurnState(GptSpec(slug="b", name="B"), WEAK, steps, tuple(self.history), TOOLS)
            reply = interview_reply(
                state, lambda ones, others: [[0.5] + [0.0] * (len(others) - 1)] * len(ones), self.write
            )
            for call in reply.tool_calls:
                fields = dict(call.arguments)
                self.suggested += fields.pop("suggest", [])
                lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
                self.draft = self.draft.model_copy(update={**fields, **lists})
            self.history.append((*steps, reply, Finished(text=reply.text)))
        return reply.text


IDEA = "I want a bot that answers questions about our sourdough bread"


def test_answers_fill_in_every_field():
    talk = Talk()
    first = talk.say(IDEA)
    assert "can’t write" in first
    assert "Sourdough Bread Helper" in first
    talk.say("yes", "Home bakers", "short and friendly", "give medical advice")
    talk.say("1. Why is it flat?\n2. How warm?", "only from them", "web search, no pictures")
    draft = talk.draft
    assert (draft.name, draft.category) == ("Sourdough Bread Helper", "home")
    assert draft.description == "Answers questions about our sourdough bread"
    assert draft.instructions.split("\n") == [
        "What you do: Answers questions about our sourdough bread",
        "Who you talk to: Home bakers",
        "How you answer: Short and friendly",
        "Your limits: Never do this: give medical advice",
    ]
    assert draft.starters == ("Why is it flat?", "How warm?")
    assert (draft.only_from_knowledge, draft.capabilities) == (True, ("web_browsing",))
    assert talk.suggested == ["files"]
    assert "publish" in talk.history[-1][-1].text


def test_a_model_that_writes_drafts_the_form_from_the_purpose_and_the_rest_is_asked():
    drafted = {"name": "Crumb", "description": "Bread.", "instructions": "You help.", "starters": ["Why is it flat?"]}
    talk = Talk(lambda: drafted)
    first = talk.say(IDEA)
    assert "first draft" in first
    assert "Who will use it" in first
    assert (talk.draft.name, talk.draft.starters) == ("Crumb", ("Why is it flat?",))
    asked = talk.say("Home bakers", "short", "give medical advice")
    assert "documents" in asked
    assert talk.draft.instructions.split("\n") == [
        "What you do: Answers questions about our sourdough bread",
        "You help.",
        "Who you talk to: Home bakers",
        "How you answer: Short",
        "Your limits: Never do this: give medical advice",
    ]


def test_what_a_model_drafts_in_another_language_than_the_persons_is_left_out():
    talk = Talk(lambda: {"description": "It gets people to exercise.", "instructions": "You help people at home."})
    talk.say("Quiero un GPT que motive a la gente a hacer ejercicio en casa")
    assert "motive a la gente" in talk.draft.description
    assert "You help" not in talk.draft.instructions


def test_a_purpose_that_goes_on_after_what_it_is_stays_a_sentence():
    talk = Talk()
    first = talk.say("I want an assistant for my flower shop that helps with complaints")
    assert talk.draft.description == "A GPT for my flower shop that helps with complaints"
    assert "Flower Shop Helper" in first


def test_a_limit_that_already_says_no_is_kept_as_it_was_said():
    talk = Talk()
    talk.say(IDEA, "Crumb", "skip", "skip", "Never give medical advice")
    assert talk.draft.instructions.endswith("Your limits: Never give medical advice")


@pytest.mark.parametrize("text", ["hi", "?", "...", "help", "skip", "bot", "👍"])
def test_what_is_no_purpose_fills_in_nothing_and_is_asked_again(text):
    talk = Talk()
    assert "What should your GPT help with?" in talk.say(text)
    assert talk.draft.instructions == talk.draft.description == ""


@pytest.mark.parametrize("text", ["done", "That’s it.", "ok, that's all", "fertig", "c'est tout", "就这些"])
def test_one_can_end_it_before_the_last_question(text):
    talk = Talk()
    talk.say("hi", text)
    assert not talk.draft.description
    talk.say(IDEA, "Crumb")
    before = talk.draft
    assert "That’s everything" in talk.say(text)
    assert talk.draft == before
    talk.say("It must also say why")
    assert "say why" in talk.draft.instructions


def test_one_can_skip_go_back_and_change_an_earlier_answer():
    talk = Talk()
    assert "Who will use it" in talk.say(IDEA, "Crumb")
    assert "How should it answer" in talk.say("skip")
    assert "Who will use it" in talk.say("back")
    talk.say("Home bakers", "actually, change the name to Loaf")
    assert talk.draft.name == "Loaf"
    assert "How should it answer" in talk.history[-1][-1].text
    talk.say("formal", "change the tone to friendly")
    assert talk.draft.instructions.count("How you answer") == 1
    assert "How you answer: Friendly" in talk.draft.instructions


@pytest.mark.parametrize("text", ["undo that", "no, undo that", "revert it", "Mach das rückgängig.", "annule ça"])
def test_one_can_take_an_answer_back(text):
    talk = Talk()
    assert "How should it answer" in talk.say(IDEA, "Crumb", "short and friendly")
    talk.say(text)
    assert "Undo" not in talk.draft.instructions
    talk.say("Home bakers")
    assert "Who you talk to: Home bakers" in talk.draft.instructions
    assert "riendly" not in talk.draft.instructions


def test_a_change_after_the_end_is_told_without_the_names_of_fields():
    talk = Talk()
    talk.say("Ich brauche einen Bot, der Fragen zu unserem Brot beantwortet", "fertig")
    assert talk.say("ändere den Ton in förmlich") == "Geändert."


@pytest.mark.parametrize(
    ("idea", "description", "name"),
    [
        (
            "It should answer questions about garden rules",
            "Answer questions about garden rules",
            "Garden Rules Helper",
        ),
        ("I need something that plans D&D sessions", "Plans D&D sessions", "D&D Sessions Helper"),
        ("help me with my cover letters", "Help me with my cover letters", "Cover Letters Helper"),
    ],
)
def test_what_is_said_around_an_idea_is_no_part_of_its_description(idea, description, name):
    talk = Talk()
    assert name in talk.say(idea)
    assert talk.draft.description == description
    assert "What should it be called?" in talk.say("what?")
    assert talk.draft.name == UNTITLED


def test_a_name_that_is_too_long_is_refused_and_the_old_one_stays():
    talk = Talk()
    assert "60 of 50" in talk.say(IDEA, "n" * 60)
    assert talk.draft.name == UNTITLED
    assert "Who will use it" in talk.say("Crumb")


def test_a_very_long_purpose_is_shortened_for_the_description_only():
    talk = Talk()
    talk.say("It answers questions about bread. " * 30)
    assert len(talk.draft.description) <= 300
    assert talk.draft.description.endswith("bread.")
    assert talk.draft.instructions.count("bread") == 30


def test_instructions_that_are_full_stay_as_they_are():
    talk = Talk(instructions="x" * 7_995, description="Bread", name="Crumb")
    assert "8,000" in talk.say("skip", "Home bakers").replace("8000", "8,000")
    assert talk.draft.instructions == "x" * 7_995


def test_fields_that_the_person_filled_in_are_not_asked_for_and_their_instructions_stay():
    talk = Talk(name="Crumb", description="Bread", instructions="Speak like a baker.", starters=("Why?",))
    asked = talk.say("skip")
    assert "Who will use it" in asked
    talk.say("Home bakers")
    assert talk.draft.instructions == "Speak like a baker.\nWho you talk to: Home bakers"
    assert "documents" in talk.say("skip", "skip")


def test_after_the_last_question_a_message_becomes_a_rule_and_thanks_do_not():
    talk = Talk()
    talk.say(IDEA, "Crumb", *["skip"] * 6)
    talk.say("It must also mention the oven", "thanks", "ok")
    assert talk.draft.instructions.endswith("\nAlso: It must also mention the oven")


@pytest.mark.parametrize(
    "text",
    [
        "Thanks, looks great!",
        "ok thank you so much",
        "thx",
        "Danke, sieht super aus",
        "merci, c’est bien",
        "muchas gracias!",
    ],
)
def test_thanks_are_no_answer(text):
    talk = Talk()
    talk.say(IDEA, "yes")
    before = talk.draft
    assert talk.say(text) == talk.history[1][-1].text
    talk.say("Home bakers", "nice", "Thank people for the photos they send")
    assert "How you answer: Nice\nYour limits: Never do this: Thank people" in talk.draft.instructions
    assert before.instructions in talk.draft.instructions


def test_a_yes_with_thanks_is_a_yes():
    talk = Talk()
    talk.say(IDEA)
    assert "Who will use it" in talk.say("perfect, thank you")
    assert talk.draft.name.endswith(" Helper")


def test_other_languages_are_understood_and_answered():
    talk = Talk()
    assert "Wie soll es heißen" in talk.say("Ich möchte einen Bot, der Azubis in der Pflege beim Lernen hilft")
    assert talk.draft.description == "Ein GPT, der Azubis in der Pflege beim Lernen hilft"
    talk.say("Pauker", "weiter", "kurz", "nichts", "Was ist Dekubitus? Wie messe ich den Puls?", "nur daraus")
    assert talk.draft.starters == ("Was ist Dekubitus?", "Wie messe ich den Puls?")
    assert talk.draft.only_from_knowledge


def test_answers_that_a_model_wrote_are_no_part_of_the_interview():
    talk = Talk()
    talk.say(IDEA)
    message, reply, end = talk.history[0]
    talk.history[0] = (message, reply.model_copy(update={"completion_tokens": 9}), end)
    talk.draft = talk.draft.model_copy(update={"description": "", "instructions": ""})
    assert "What should your GPT help with?" in talk.say("skip")
