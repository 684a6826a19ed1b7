"""What a message wants remembered."""

import pytest

from workers.smallmodel.memory import to_remember


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("please remember that my exam is on 12 March", "my exam is on 12 March"),
        ("Remember my name is Ada.", "my name is Ada."),
        ("Merke dir bitte, dass ich in Hamburg wohne", "ich in Hamburg wohne"),
        ("Recuerda que soy alérgica", "soy alérgica"),
        ("Souviens-toi que j’ai un examen", "j’ai un examen"),
        ("记住我不吃辣", "我不吃辣"),
        ("How do I remember words?", ""),
        ("Remember the milk", ""),
        ("which exam was it again?", ""),
        ("What do you know about me?", ""),
    ],
)
def test_what_is_to_be_remembered_are_the_words_after_the_wish(text, kept):
    assert to_remember(text) == kept
