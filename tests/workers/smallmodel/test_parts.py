"""A message is cut into the things it asks for, and never in the middle of one of them."""

import time

import pytest

from workers.smallmodel.parts import MOST_PARTS, parts_of


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        (
            "How do I get my laptop, and how many vacation days do I have?",
            ("How do I get my laptop?", "How many vacation days do I have?"),
        ),
        (
            "Wie bekomme ich meinen Laptop und wie viele Urlaubstage habe ich?",
            ("Wie bekomme ich meinen Laptop?", "Wie viele Urlaubstage habe ich?"),
        ),
        (
            "Comment obtenir mon ordinateur, et combien de jours de congé ai-je ?",
            ("Comment obtenir mon ordinateur?", "Combien de jours de congé ai-je ?"),
        ),
        (
            "Necesito un portátil nuevo y también quiero saber cuántas vacaciones me quedan",
            ("Necesito un portátil nuevo", "Quiero saber cuántas vacaciones me quedan"),
        ),
        (
            "Write a mail to Bob and book a room for Tuesday.",
            ("Write a mail to Bob", "Book a room for Tuesday."),
        ),
        (
            "What wine goes with fish, also how do I cancel my lease?",
            ("What wine goes with fish?", "How do I cancel my lease?"),
        ),
        (
            "i need a new laptop and how many vacation days do i have left",
            ("I need a new laptop", "How many vacation days do i have left"),
        ),
    ],
)
def test_a_sentence_that_asks_for_two_things_is_cut_at_its_joint(message: str, parts: tuple[str, ...]) -> None:
    assert parts_of(message) == parts


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        (
            "What is the deadline for the tax return? Can you suggest a recipe with leeks?",
            ("What is the deadline for the tax return?", "Can you suggest a recipe with leeks?"),
        ),
        (
            "Welcher Wein passt zu Fisch? Und was muss ich beim Umzug beachten?",
            ("Welcher Wein passt zu Fisch?", "Was muss ich beim Umzug beachten?"),
        ),
        (
            "Quel vin avec du poisson ? Et aussi, comment résilier mon bail ?",
            ("Quel vin avec du poisson ?", "Comment résilier mon bail ?"),
        ),
        (
            "¿Qué vino va con pescado? Y también, ¿cómo cancelo mi contrato?",
            ("¿Qué vino va con pescado?", "¿cómo cancelo mi contrato?"),
        ),
        (
            "My landlord kept the deposit. Also, my boss fired me yesterday.",
            ("My landlord kept the deposit.", "My boss fired me yesterday."),
        ),
    ],
)
def test_sentences_that_ask_for_different_things_are_parts(message: str, parts: tuple[str, ...]) -> None:
    assert parts_of(message) == parts


@pytest.mark.parametrize(
    "message",
    [
        "hello",
        "What is the difference between salt and pepper?",
        "Can you tell me how it works and what it costs?",
        "Kannst du mir sagen, wie das geht und was es kostet?",
        "Do you know what it costs and where I can get it?",
        "How do I know when and how I must register?",
        "How much is the visa and how long does it take?",
        "Write a mail to Bob and send it.",
        "Explain what recursion is and why people use it",
        "If I move, do I have to tell the town hall, or my bank?",
        "Plan a trip to Rome and Florence",
        "Was ist der Unterschied zwischen Miete und Pacht?",
        'Translate "How are you and what do you want?" into German',
        "Translate «Où es-tu ? Que fais-tu ?» into English",
        "Fix `a? and how do I b?` please",
        "What does this do?\n```\nprint('who?')\nhow do i run\n```",
        "Correct these sentences:\n1. Where is you?\n2. How he go?",
        "Shopping for two:\n- milk\n- eggs",
        "My pump leaks. The pressure is low. What should I check?",
        "Where do I park? It is a van. What does it cost?",
        "Das kostet z. B. wie viel? ",
    ],
)
def test_one_wish_stays_whole(message: str) -> None:
    assert parts_of(message) == (message.strip(),)


def test_what_is_said_before_a_question_stays_with_it() -> None:
    message = "I start on Monday. How do I get my laptop? And how many vacation days do I have?"
    assert parts_of(message) == (
        "I start on Monday. How do I get my laptop?",
        "How many vacation days do I have?",
    )


def test_greetings_and_thanks_are_no_parts() -> None:
    message = "Hi there! What wine goes with fish? How do I file my tax return? Thanks a lot!"
    assert parts_of(message) == ("What wine goes with fish?", "How do I file my tax return?")


@pytest.mark.parametrize("marks", [("1.", "2."), ("1)", "2)"), ("-", "-"), ("*", "*"), ("•", "•")])
def test_lists_of_wishes_are_cut_by_item(marks: tuple[str, str]) -> None:
    message = f"I have two questions:\n{marks[0]} How do I get a laptop?\n{marks[1]} When is payday?"
    assert parts_of(message) == ("How do I get a laptop?", "When is payday?")


def test_what_is_said_before_a_list_goes_with_each_item() -> None:
    message = "I start on Monday.\n- How do I get a laptop?\n- When is payday?"
    assert parts_of(message) == (
        "I start on Monday. How do I get a laptop?",
        "I start on Monday. When is payday?",
    )


def test_there_are_never_more_than_four_and_nothing_is_lost() -> None:
    asked = [f"How do I get thing number {n} today?" for n in range(7)]
    parts = parts_of(" ".join(asked))
    assert len(parts) == MOST_PARTS
    assert all(question in "\n".join(parts) for question in asked)


@pytest.mark.parametrize("message", ["", "  \n\t "])
def test_an_empty_message_has_no_parts(message: str) -> None:
    assert parts_of(message) == ()


@pytest.mark.parametrize("piece", ["a", "? ", "and how do I ", "1. what?\n", "'", "(", "``", "\ud800", "¿", ". "])
def test_hostile_messages_are_cut_quickly(piece: str) -> None:
    start = time.process_time()
    for size in (1_990, 200_000):
        assert 1 <= len(parts_of(piece * (size // len(piece)) + "x")) <= MOST_PARTS
    assert time.process_time() - start < 2
