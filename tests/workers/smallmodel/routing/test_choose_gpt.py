"""Whom to ask: the router chooses a GPT or nobody, ranks a store of them, and divides what asks for several."""

import threading
import time

import numpy as np
import pytest

from tests.workers.smallmodel.routing.test_router import HashedEmbedder
from workers.smallmodel.routing.candidates import Candidate, RoutedChoice, candidate_of_gpt
from workers.smallmodel.routing.features import prepared, texts_of
from workers.smallmodel.routing.head import load_weights, weights_file
from workers.smallmodel.routing.router import TUNING, Router

GPTS = (
    candidate_of_gpt(
        "tax-clerk", "Tax Clerk", "Income tax returns, deductions and deadlines.", "Questions on tax returns.", ()
    ),
    candidate_of_gpt(
        "recipes",
        "Recipe Helper",
        "Suggests recipes from what is in the fridge.",
        "",
        ("What can I cook with leeks?",),
    ),
    candidate_of_gpt("it-desk", "Laptop Desk", "Orders and repairs laptops and monitors.", "", ()),
    candidate_of_gpt("hr-desk", "HR Desk", "Vacation days, sick notes and working hours.", "", ()),
)
SLUGS = {each.name for each in GPTS}


@pytest.fixture
def router() -> Router:
    return Router(HashedEmbedder())


def said(text: str) -> list[tuple[str, str]]:
    return [("user", text)]


def test_a_gpt_is_a_candidate_by_its_slug() -> None:
    found = candidate_of_gpt("pump", "Pump Doctor", "Pumps.", "When a pump fails.", ("It leaks",))
    assert found == Candidate("pump", "Pump Doctor", "Pumps.", examples=("It leaks",), when="When a pump fails.")
    assert found.key() != candidate_of_gpt("pump", "Pump Doctor", "Pumps.", "", ("It leaks",)).key()


def test_the_weights_are_small_and_whole() -> None:
    files = [weights_file(kind, any_embedder) for kind in ("tools", "gpts") for any_embedder in (False, True)]
    for path in files:
        assert all(np.isfinite(part).all() for weights in load_weights(path) for part in weights.values())
    assert sum(path.stat().st_size for path in (*files, TUNING)) < 2_000_000


@pytest.mark.parametrize("gpt", [*GPTS, Candidate(""), candidate_of_gpt("x", "", "", "  ", ("", " "))])
def test_each_part_of_a_gpt_may_be_missing(gpt: Candidate) -> None:
    texts = texts_of(gpt)
    known = prepared(gpt, HashedEmbedder().encode(texts))
    assert all(text.strip() for text in texts)
    assert len(known.vectors) == len(texts) >= 4


def test_the_same_talk_gets_the_same_choice(router: Router) -> None:
    talk = [("user", "leeks"), ("assistant", "Yes?"), ("user", "What can I cook with leeks?")]
    first = router.choose_gpt(talk, GPTS)
    assert router.choose_gpt(talk, GPTS) == first
    assert Router(HashedEmbedder()).choose_gpt(talk, GPTS) == first


@pytest.mark.parametrize("text", ["", " \n\t ", "\x00", "?", "😀" * 50, "\ud800", "١٢٣", "a" * 3, "- " * 500])
def test_odd_messages_get_an_answer(router: Router, text: str) -> None:
    choice = router.choose_gpt(said(text), GPTS)
    assert choice.name in ("", *SLUGS)
    assert 0 <= choice.score <= 1
    assert len(router.rank_gpts(text, GPTS, 2)) in (0, 2)
    assert router.divide(said(text), GPTS) == ()


def test_nobody_is_chosen_of_nobody(router: Router) -> None:
    assert router.choose_gpt(said("help with my tax"), []) == RoutedChoice("", 1.0)
    assert router.choose_gpt([], GPTS).name == ""
    assert router.choose_gpt([("assistant", "Hello")], GPTS).name == ""
    assert router.rank_gpts("tax", [], 5) == []
    assert router.rank_gpts("tax", GPTS, 0) == []


@pytest.mark.parametrize("n", [1, 2, 12, 40])
def test_any_number_of_candidates_will_do(router: Router, n: int) -> None:
    many = [candidate_of_gpt(f"g{k}", f"Helper {k}", f"Knows subject {k}.", "", ()) for k in range(n)]
    assert router.choose_gpt(said("subject 0 please"), many).name in {"", *(each.name for each in many)}


def test_of_two_gpts_with_one_slug_the_first_counts(router: Router) -> None:
    twice = (GPTS[0], candidate_of_gpt("tax-clerk", "Impostor", "Recipes.", "", ()))
    assert router.choose_gpt(said("my tax return"), twice) == router.choose_gpt(said("my tax return"), GPTS[:1])


def test_hostile_and_huge_texts_do_no_harm(router: Router) -> None:
    odd = candidate_of_gpt("odd", "\ud800" * 5_000, "x. " * 50_000, "\n" * 9_999, ("?" * 99_999,) * 500)
    start = time.process_time()
    for piece in ("x", "my tax return ", "?", "'", "1. what?\n"):
        router.choose_gpt(said(piece * (100_000 // len(piece))), [odd, *GPTS])
        router.divide(said(piece * (100_000 // len(piece))), [odd, *GPTS])
    assert time.process_time() - start < 5


def test_hundreds_are_ranked_quickly_once_known(router: Router) -> None:
    many = [
        candidate_of_gpt(f"g{n}", f"Helper {n}", f"Knows subject number {n}.", "", ("a", "b")) for n in range(400)
    ]
    router.rank_gpts("subject 7", many, 5)
    start = time.process_time()
    found = router.rank_gpts("subject 8", many, 5)
    assert time.process_time() - start < 1
    assert len(found) == 5
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    assert all(0 <= each.score <= 1 for each in found)


def test_gpts_and_messages_are_embedded_once() -> None:
    embedder = HashedEmbedder()
    router = Router(embedder)
    router.choose_gpt(said("my tax return"), GPTS)
    before = embedder.n_texts
    router.choose_gpt(said("my tax return"), GPTS)
    assert embedder.n_texts == before
    router.choose_gpt(said("my other return"), GPTS)
    assert embedder.n_texts == before + 1


def test_threads_get_the_same_answers() -> None:
    router, found = Router(HashedEmbedder()), []
    threads = [
        threading.Thread(target=lambda: found.append(router.choose_gpt(said("laptops"), GPTS))) for _ in range(8)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_another_embedder_needs_no_tuning() -> None:
    class Small(HashedEmbedder):
        def encode(self, texts):
            return super().encode(texts)[:, :96]

    assert Router(Small()).choose_gpt(said("my tax return"), GPTS).name in ("", *SLUGS)


class Chooser(Router):
    """Chooses by the first word in a table, so that dividing is tested alone."""

    table = {
        "laptop": ("it-desk", 0.9),
        "vacation": ("hr-desk", 0.8),
        "leeks": ("recipes", 0.9),
        "maybe": ("hr-desk", 0.2),
    }

    def choose_gpt(self, conversation, candidates):
        said = conversation[-1][1].lower()
        return next(
            (RoutedChoice(*found) for word, found in self.table.items() if word in said), RoutedChoice("", 0.9)
        )


@pytest.fixture
def chooser() -> Router:
    return Chooser(HashedEmbedder())


def test_parts_for_different_gpts_are_divided(chooser: Router) -> None:
    message = "How do I get my laptop, and how many vacation days do I have?"
    assert chooser.divide(said(message), GPTS) == (
        ("it-desk", "How do I get my laptop?"),
        ("hr-desk", "How many vacation days do I have?"),
    )


def test_parts_for_the_same_gpt_are_one_task(chooser: Router) -> None:
    message = "How do I get my laptop? Who repairs my laptop? How many vacation days do I have?"
    assert chooser.divide(said(message), GPTS) == (
        ("it-desk", "How do I get my laptop?\nWho repairs my laptop?"),
        ("hr-desk", "How many vacation days do I have?"),
    )


@pytest.mark.parametrize(
    "message",
    [
        "How do I get my laptop?",
        "How do I get my laptop? Who repairs my laptop?",
        "How do I get my laptop? What is the capital of France?",
        "How do I get my laptop? Will there maybe be cake today?",
    ],
)
def test_a_message_for_one_gpt_is_not_divided(chooser: Router, message: str) -> None:
    assert chooser.divide(said(message), GPTS) == ()


@pytest.mark.model
def test_the_bundled_embedder_divides_and_knows_when_nobody_is_needed() -> None:
    from workers.knowledge.embed import shared_embedder

    router = Router(shared_embedder())
    message = "How do I get a new laptop, and how many vacation days do I have left?"
    assert [name for name, _ in router.divide(said(message), GPTS)] == ["it-desk", "hr-desk"]
    assert router.choose_gpt(said("thanks, see you tomorrow!"), GPTS).name == ""
    assert router.rank_gpts("was kann ich mit Lauch kochen?", GPTS, 1)[0].name == "recipes"


def test_the_nearest_of_a_large_store_are_found_by_one_line_each(router: Router) -> None:
    many = [candidate_of_gpt(f"g{n}", f"Number {n}", f"Knows number {n}.", "", ()) for n in range(60)]
    found = router.nearest("Income tax returns and deductions", [*many, *GPTS], 10)
    assert len(found) == 10
    assert "tax-clerk" in {each.name for each in found}
    assert router.nearest("tax", GPTS, 10) == list(GPTS)
