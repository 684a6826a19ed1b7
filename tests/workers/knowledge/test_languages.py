"""The language of a document is told where there is enough text to tell, and left open elsewhere."""

import pytest

from gpts.knowledge.documents import Block, Document
from workers.knowledge.languages import language_of


def language(text: str) -> str:
    return language_of(Document(title="", blocks=(Block(text=text),)))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The pump is quiet and needs no oil when it runs at night.", "en"),
        ("Die Pumpe ist leise und braucht kein Öl, wenn sie nachts läuft.", "de"),
        ("La pompe est silencieuse et ne demande pas d'huile pendant la nuit.", "fr"),
        ("La bomba es silenciosa y no necesita aceite cuando funciona de noche.", "es"),
        ("Pompa jest cicha i nie potrzebuje oleju, kiedy pracuje w nocy.", "pl"),
        ("Насос работает тихо и ночью не требует масла, но его надо проверять каждый год.", "ru"),
        ("这台水泵很安静,夜间运行时不需要加油,请每年检查一次。", "zh"),
        ("このポンプは静かで、夜間の運転中に油を必要としません。", "ja"),
    ],
)
def test_a_sentence_is_enough(text: str, code: str) -> None:
    assert language(text) == code


@pytest.mark.parametrize(
    "text",
    [
        "Total 300 EUR",
        "foo bar baz qux foo bar baz qux ipsum dolor",
        "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor",
        "name,age,city\nAnn,3,Rome\nBob,5,Paris\nCarl,9,Oslo\nDora,8,Madrid\nEmil,7,Lyon",
    ],
)
def test_what_is_hardly_text_has_no_language(text: str) -> None:
    assert language(text) == ""
