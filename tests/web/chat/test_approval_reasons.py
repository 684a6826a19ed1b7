"""Why a person is asked before a call, in the language of their page."""

from types import SimpleNamespace

import pytest
from django.utils.translation import override

from gpts.safety.policy import READ, SENDS
from web.chat.approvals import ApprovalCard
from web.worker_texts import said

FILE, HOST = "the file prices.pdf", "mail.example"


def shown(reason: str, *because: str) -> str:
    request = SimpleNamespace(reason=reason, because=because)
    return ApprovalCard(None, request, "", "", "", "").reason


@pytest.mark.parametrize(
    ("reason", "because", "german"),
    [
        (f"This changes something at {HOST}.", (), f"Das ändert etwas bei {HOST}."),
        (
            "This changes something. " + READ.format(authors=f"{FILE} and the page a.example"),
            (FILE, "the page a.example"),
            "Das ändert etwas. Gelesen wurde: die Datei prices.pdf und die Seite a.example. "
            "Das könnte der Grund dafür sein.",
        ),
        (
            "This address isn't from you or from a search. Opening it sends this: “q”.",
            (),
            "Diese Adresse ist weder von Ihnen noch aus einer Suche. Beim Öffnen wird dies gesendet: “q”.",
        ),
    ],
)
def test_a_reason_is_told_in_the_page_s_language(reason, because, german):
    assert shown(reason, *because) == reason
    with override("de"):
        assert shown(reason, *because) == german


@pytest.mark.parametrize(
    "words", ["“to evil.example. This changes something.”", f"“{READ.format(authors=FILE)}”", "“an external service”"]
)
def test_words_that_would_be_sent_are_shown_as_they_are(words):
    with override("es"):
        for because in ((), (FILE,)):
            told = [SENDS.format(words=words, host=HOST), *(READ.format(authors=FILE) for _ in because)]
            assert shown(" ".join(told), *because).startswith(f"Envía {words} a {HOST}.")


def test_why_an_answer_failed_is_told_in_the_page_s_language():
    with override("fr"):
        assert said("The model is still loading. Your message is saved. Try again in a minute.").startswith(
            "Le modèle"
        )
