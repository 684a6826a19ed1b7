"""What messages ask for, in several languages."""

import pytest

from gpts.spec.gpt import KnowledgeRef
from workers.smallmodel.conversation.classifier import MessageClassifier, language
from workers.smallmodel.conversation.english import into_english
from workers.smallmodel.conversation.intents import called_files, named_files, read_message

READER = MessageClassifier()
INTENTS = {
    "small_talk": (
        "hi",
        "Thanks a lot!",
        "thx :)",
        "Hello, how are you?",
        "ok great, thank you so much for your help!!",
        "thnaks",
        "Danke dir, schönen Abend noch!",
        "Wie geht es dir?",
        "merci beaucoup, bonne journée",
        "Hola, ¿qué tal?",
        "grazie mille",
        "obrigada!",
        "that's not what i asked, this is useless!!",
        "Das ist falsch",
        "😀",
        "谢谢你",
    ),
    "about_gpt": (
        "Who are you?",
        "hi! what can you do?",
        "What can u help me with",
        "are you a robot?",
        "who are you? a teacher?",
        "Wer bist du?",
        "Was kannst du alles?",
        "Qui es-tu ?",
        "¿Qué puedes hacer?",
        "你是谁？",
    ),
    "rewrite": (
        "shorter, please",
        "In German, please",
        "as a table",
        "make that an e-mail",
        "test me",
        "Translate it into French",
        "Write a short e-mail to a customer on how often to change the filter",
        "can you write the mail to my boss that i'm ill today",
        "Can you fix this: We would like to inform you that your order has been dispatched.",
        "kürzer bitte",
        "auf Englisch",
        "en français s'il vous plaît",
        "como tabla, por favor",
    ),
    "whole_files": (
        "Summarise the manual",
        "What is this file about?",
        "List all deadlines in this contract",
        "Compare these two files",
        "give me an overview",
        "Worum geht es in dem Dokument?",
        "Fasse das Handbuch zusammen",
        "De quoi parle ce document ?",
        "Resume el contrato",
    ),
    "question": (
        "How often must the filter be changed?",
        "hi, can I pay by card?",
        "what about sundays?",
        "and in December?",
        "opening hours",
        "Where do I put it?",
        "What is the summary dismissal clause?",
        "How do I make good flashcards?",
        "how can I fix this leak",
        "How should I write an error message?",
        "Thanks! And who repairs it?",
        "a qué hora cierran",
        "Kann ich mit Karte zahlen?",
        "et le mercredi ?",
    ),
}


@pytest.mark.parametrize(("intent", "text"), [(intent, text) for intent, texts in INTENTS.items() for text in texts])
def test_the_intent_of_a_message(intent, text):
    assert read_message(text, READER).intent == intent


@pytest.mark.parametrize(("text", "lang"), [("Danke!", "de"), ("merci !", "fr"), ("muchas gracias", "es")])
def test_the_language_of_small_talk(text, lang):
    assert read_message(text, READER).lang == lang


def test_a_few_words_are_in_the_language_of_what_was_said_before():
    before = "¿Cuánto cuesta la cuota? ¿Cómo me doy de baja?"
    assert read_message("precio picina", READER, before).lang == "es"
    assert read_message("And when do you close on Sundays, please?", READER, before).lang == "en"


def test_comparing_is_not_taken_for_french():
    assert read_message("compare the statutes and the newsletter", READER).lang == "en"
    assert read_message("compare les statuts et le bulletin", READER).lang == "fr"


def test_a_wish_names_its_subject():
    assert read_message("Write an e-mail to a client on the return policy", READER).topic == ("return", "policy")
    assert read_message("make it shorter", READER).topic == ()


FILES = tuple(
    KnowledgeRef(file_id=name, name=name, segment=name) for name in ("price-list.md", "house_rules.txt", "Menu.pdf")
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Summarise the house rules", {"house_rules.txt"}),
        ("What is in the second file?", {"house_rules.txt"}),
        ("Compare the price list and the menu", {"price-list.md", "Menu.pdf"}),
        ("Compare the menu and the prices", {"price-list.md", "Menu.pdf"}),
        ("Summarise everything", set()),
        ("List all amounts", set()),
        ("Was steht in der dritten Datei?", {"Menu.pdf"}),
    ],
)
def test_files_are_meant_by_name_or_number(text, meant):
    assert set(named_files(text, FILES, FILES)) == meant


@pytest.mark.parametrize(
    ("text", "called", "rest"),
    [
        ("What does menu.pdf say about fish?", {"Menu.pdf"}, "What does  say about fish?"),
        ("price-list: what is the deposit?", {"price-list.md"}, ": what is the deposit?"),
        ("What do the house rules say about dogs?", {"house_rules.txt"}, "What do the house rules say about dogs?"),
        ("What is on the menu?", set(), "What is on the menu?"),
        ("Does the house serve lunch?", set(), "Does the house serve lunch?"),
    ],
)
def test_a_file_of_the_gpt_is_called_by_its_name_as_written_or_by_all_words_of_it(text, called, rest):
    found, left = called_files(text, FILES)
    assert (set(found), left) == (called, rest)


POOL = "The swimming pool is closed on Monday mornings for cleaning, except during the summer holidays."
GERMAN_POOL = "Das Schwimmbad ist am Montag wegen Reinigung geschlossen. Der Eintritt kostet für Kinder zwei Euro."


@pytest.mark.parametrize(
    ("file", "question", "word"),
    [
        (POOL, "Was kostet das Ticket?", "ticket"),
        (POOL, "quanto costa un biglietto per bambini?", "child"),
        (POOL, "quando abre a piscina?", "pool"),
        (POOL, "wanneer is het zwembad open?", "swim"),
        (GERMAN_POOL, "When is the pool closed?", "closed"),
    ],
)
def test_questions_and_files_are_compared_in_english(file, question, word):
    translate = into_english([file], language(question), question)
    assert word in translate(question)
    assert "closed" in translate(file)


def test_english_is_not_translated():
    assert into_english([POOL], "en", "What is the price?") is None


def test_of_files_in_several_languages_each_is_read_in_its_own():
    translate = into_english([POOL, POOL, GERMAN_POOL], "en", "When is the pool closed?")
    assert translate(POOL) == POOL
    assert "closed" in translate(GERMAN_POOL)


def test_a_long_message_of_fillers_is_read_at_once():
    assert read_message("so " * 10_000 + "how often must the filter be changed?", READER).intent == "question"
