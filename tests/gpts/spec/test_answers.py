"""What people type into a question of the form: answers, and all that is none."""

import pytest

from gpts.spec.answers import answer_in, name_in, starter_in

NONE = """
thanks, how do I publish it?
I don't know
call it whatever you want
yes
Yes please!
ok cool
hmm not sure yet
What do you mean?
wait a second
next
you decide
Danke, wie veröffentliche ich das?
keine Ahnung, schlag was vor
nenn es wie du willst
ja, genau
egal
merci, comment je le publie ?
je ne sais pas
appelle-le comme tu veux
oui
gracias, ¿cómo lo publico?
no sé, lo que quieras
como quieras
谢谢，怎么发布？
不知道
随便你
好的
""".strip().splitlines()


@pytest.mark.parametrize("text", NONE)
def test_thanks_questions_and_no_idea_answer_nothing(text):
    assert (name_in(text), answer_in(text, 2), answer_in(text)) == ("", "", "")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Crumb", "Crumb"),
        ("call it Bread Buddy, please", "Bread Buddy, please"),
        ("Nenne es Pumpendoktor", "Pumpendoktor"),
        ("appelle-le Mon Jardin", "Mon Jardin"),
        ("llámalo Pan y Masa", "Pan y Masa"),
        ("就叫园艺助手", "园艺助手"),
        ("Name: “Village Library”", "Village Library"),
    ],
)
def test_a_name_is_taken_without_what_leads_to_it(text, name):
    assert name_in(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "Answers questions about our sourdough bread.",
        "Helps bakers",
        "Es soll Imkern bei Fragen zu Bienenkrankheiten helfen",
        "Aider les bénévoles de la bibliothèque du village",
        "Responder dudas sobre pan de masa madre",
        "帮助村里的图书馆回答读者的问题",
    ],
)
def test_a_purpose_is_taken_as_it_is(text):
    assert answer_in(text, 2) == text


def test_what_is_said_around_an_answer_is_left_out():
    assert answer_in("Thanks! It helps bakers with rye bread. OK.", 2) == "It helps bakers with rye bread."
    assert answer_in("short and friendly") == "short and friendly"


def test_a_starter_may_be_a_question_but_not_small_talk():
    assert starter_in("- Why is my bread flat?") == "- Why is my bread flat?"
    assert starter_in("thanks, how do I publish it?") == ""
