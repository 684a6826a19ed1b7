"""The card of a change that the builder made: what came and what went, and no more."""

import pytest
from django.utils import timezone

from gpts.spec.gpt import UNTITLED
from web.chat.templatetags.building import changed_fields
from web.runs.models_drafts import DraftChange

OLD = "You help bakers. Be brief.\nNever talk of e.g. cake! 只说中文。不要表情。 Ask first"


def shown(name, old, new, **more) -> list[tuple[str, str]]:
    (field,) = changed_fields(DraftChange(before={name: old}, after={name: new}, **more))
    return list(field.pieces)


def test_of_a_text_the_sentences_that_came_and_went_are_shown():
    new = OLD.replace("Be brief.", "Be kind.").replace("不要表情。", "")
    same = ("same", "…")
    assert shown("instructions", OLD, new) == [
        same,
        ("gone", "Be brief."),
        ("new", "Be kind."),
        same,
        ("gone", "不要表情。"),
        same,
    ]
    assert shown("instructions", OLD, f"{OLD}\nSay “Bye.” Stop.") == [same, ("new", "Say “Bye.”\nStop.")]
    assert shown("description", "Bread. Cake.", "") == [("gone", "Bread.\nCake.")]


def test_a_long_text_in_an_empty_field_is_shown_as_it_is():
    assert shown("instructions", "", OLD * 40) == [("all", OLD * 40)]
    assert shown("name", UNTITLED, "Crumb") == [("all", "Crumb")]
    assert shown("starters", [], ["Why?", "How?"]) == [("all", "Why?\nHow?")]


@pytest.mark.django_db
def test_of_a_list_the_entries_that_came_and_went_are_shown():
    assert shown("starters", ["Why?", "How?"], ["How?", "When?"]) == [("gone", "Why?"), ("new", "When?")]
    assert shown("capabilities", ["web_browsing", "forms"], ["forms"]) == [("gone", "Web browsing")]
    assert shown("category", "home", "education") == [("gone", "Home"), ("new", "Education")]


def test_of_an_undone_change_what_came_is_what_went():
    undone = {"undone": timezone.now()}
    assert shown("instructions", OLD, f"{OLD}. Stop.", **undone)[-1] == ("new", "Ask first")
    assert shown("starters", ["Why?"], ["Why?", "How?"], **undone) == [("gone", "How?")]
    assert shown("name", UNTITLED, "Crumb", **undone) == [("gone", "Crumb"), ("new", UNTITLED)]
    assert shown("only_from_knowledge", False, True, **undone) == [("all", "Off")]
