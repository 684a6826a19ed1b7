"""The router survives whatever it is given, is quick, and always says the same."""

import hashlib
import subprocess
import sys
import time
from collections.abc import Sequence

import numpy as np
import pytest

from gpts.spec.tools import ToolSpec
from workers.smallmodel.routing import words
from workers.smallmodel.routing.candidates import (
    Candidate,
    RoutedChoice,
    builtin,
    candidate_of,
    words_of_name,
)
from workers.smallmodel.routing.dialogue import read_dialogue
from workers.smallmodel.routing.router import Router


class HashedEmbedder:
    """Vectors that depend on the words of a text, without weights; counts the texts it was given."""

    def __init__(self) -> None:
        self.n_texts = 0

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        self.n_texts += len(texts)
        return np.stack([self._vector(text) for text in texts]) if texts else np.zeros((0, 384), np.float32)

    def _vector(self, text: str) -> np.ndarray:
        total = np.full(384, 0.01)
        for word in set(text.lower().split()[:200]):
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
            total += np.random.default_rng(seed).standard_normal(384)
        return (total / np.linalg.norm(total)).astype(np.float32)


@pytest.fixture
def router() -> Router:
    return Router(HashedEmbedder())


BUILTIN = builtin()
TOOLS = tuple(BUILTIN.values())


def said(text: str) -> list[tuple[str, str]]:
    return [("user", text)]


def test_the_head_loads_without_torch() -> None:
    load = "import sys; from workers.smallmodel.routing.head import load_weights, weights_file"
    code = f"{load}; load_weights(weights_file('tools', False)); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_same_talk_gets_the_same_choice(router: Router) -> None:
    dialogue = [("user", "draw a cat"), ("assistant", "Here it is."), ("user", "make it blue")]
    first = router.choose(dialogue, TOOLS)
    assert router.choose(dialogue, TOOLS) == first
    assert Router(HashedEmbedder()).choose(dialogue, TOOLS) == first


@pytest.mark.parametrize("text", ["", " \n\t ", "\x00", "?", "😀" * 50, "\ud800", "١٢٣", "a" * 3, "- " * 500])
def test_odd_messages_get_an_answer(router: Router, text: str) -> None:
    choice = router.choose(said(text), TOOLS)
    assert choice.name in ("", *BUILTIN)
    assert 0 <= choice.score <= 1


def test_half_a_character_in_a_reply_or_a_description_does_no_harm(router: Router) -> None:
    dialogue = [("user", "draw \ud800"), ("assistant", "\udfff"), ("user", "again")]
    assert router.choose(dialogue, [Candidate("draw", "", "Draws \ud800", {}, ("\ud800",))]).name in ("", "draw")


def test_an_empty_talk_and_an_empty_offer_choose_nothing(router: Router) -> None:
    assert router.choose([], TOOLS).name == ""
    assert router.choose([("assistant", "Hello")], TOOLS).name == ""
    assert router.choose(said("draw a cat"), []).name == ""


def test_a_huge_message_takes_no_longer_than_a_small_one(router: Router) -> None:
    start = time.process_time()
    for piece in ("x", "draw a cat ", "3*", "a.", "@", "'", "今天"):
        router.choose(said(piece * (100_000 // len(piece))), TOOLS)
    assert time.process_time() - start < 5


def test_three_hundred_candidates_are_weighed_quickly_once_known(router: Router) -> None:
    many = [Candidate(f"get_thing_{n}", "", f"Returns thing number {n}") for n in range(300)]
    router.choose(said("get thing 7"), many)
    start = time.process_time()
    router.choose(said("get thing 8"), many)
    assert time.process_time() - start < 1


def test_candidates_and_earlier_messages_are_embedded_once() -> None:
    embedder = HashedEmbedder()
    router = Router(embedder)
    router.choose(said("draw a cat"), TOOLS)
    before = embedder.n_texts
    router.choose([("user", "draw a cat"), ("assistant", "Here."), ("user", "now a dog")], TOOLS)
    assert embedder.n_texts - before <= 3


def test_of_two_candidates_with_one_name_the_first_counts(router: Router) -> None:
    twice = (Candidate("pay", "", "Pay a bill"), Candidate("pay", "", "Something else"))
    alone = router.choose(said("pay the bill"), twice[:1])
    assert router.choose(said("pay the bill"), twice) == alone


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": None},
        {"properties": {"a": 1, "b": {"type": ["string", "null"]}}, "required": ["a", "c", 4]},
        {"properties": {"x": {"type": {"odd": 1}, "format": 3}}, "required": "x"},
        {"type": "array", "items": {}},
        {"properties": {f"p{n}": {"type": "string"} for n in range(2_000)}},
    ],
)
def test_strange_schemas_do_no_harm(router: Router, schema: dict) -> None:
    odd = Candidate("odd-name.v2", "", "x" * 50_000, schema)
    assert router.choose(said("do the odd thing 3"), [odd, *TOOLS]).name in ("", "odd-name.v2", *BUILTIN)


def test_a_tool_spec_becomes_a_candidate() -> None:
    spec = ToolSpec(name="dig", title="Dig", description="Digs.", parameters={"type": "object"}, examples=("dig!",))
    assert candidate_of(spec) == Candidate("dig", "Dig", "Digs.", {"type": "object"}, ("dig!",))


def test_the_platforms_own_tools_are_known_by_identity_and_not_by_name() -> None:
    own = ToolSpec(name="web_search", builtin="web_search", description="Searches.", parameters={})
    assert candidate_of(own) == BUILTIN["web_search"]
    caller = ToolSpec(name="web_search", description="Searches our intranet.", parameters={})
    assert candidate_of(caller) == Candidate("web_search", "", "Searches our intranet.")


def test_all_are_ranked_with_their_probabilities_and_none(router: Router) -> None:
    found = router.ranked(said("draw a cat"), TOOLS)
    assert {each.name for each in found} == {"", *BUILTIN}
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    assert abs(sum(each.score for each in found) - 1) < 1e-3
    assert router.choose(said("draw a cat"), TOOLS) == found[0]
    assert router.ranked([], TOOLS) == router.ranked(said("draw a cat"), []) == [RoutedChoice("", 1.0)]


@pytest.mark.parametrize(
    "message",
    [
        "Translate into German: book me a table for four at eight",
        "Bitte korrigiere: zeichne ein Katze auf dem Dach",
        "Reformule plus poliment : annule ma commande de suite",
        "How do you say “search the web for flights” in Spanish?",
    ],
)
def test_text_that_is_handed_over_is_not_read_as_a_wish(message: str) -> None:
    read = read_dialogue(said(message))
    handed_over = ("table", "Katze", "annule", "commande", "search", "web")
    assert not any(word in f"{read.raw} {read.message} {read.last}" for word in handed_over)


def test_an_order_without_text_is_read_whole() -> None:
    assert read_dialogue(said("Translate my last mail")).raw == "Translate my last mail"
    assert read_dialogue(said("search for: cheap flights")).raw == "search for: cheap flights"


def test_the_last_sentence_and_what_is_declined_are_told_apart() -> None:
    read = read_dialogue(said("I looked at maps all day. Don't search the web, just tell me a joke. Thanks!"))
    assert read.last == "Don't search the web, just tell me a joke."
    assert read.declined >= {"search", "web"}
    assert not read.declined & {"tell", "jok"}


def test_what_the_turn_before_called_is_known_and_is_no_reply() -> None:
    talk = [
        ("user", "weather in Oslo"),
        ("assistant", "[get_weather, log]"),
        ("assistant", "Rain."),
        ("user", "Bergen?"),
    ]
    read = read_dialogue(talk)
    assert read.called == {"get_weather", "log"}
    assert read.reply == "Rain."
    assert read_dialogue([*talk, ("assistant", "Sun."), ("user", "thanks")]).called == frozenset()


def test_names_are_split_into_words() -> None:
    assert words_of_name("getOrder_status") == "get order status"
    assert words_of_name("HTTPServer-list.items") == "http server list items"


@pytest.mark.parametrize(
    ("text", "language", "has"),
    [
        ("Wie ist das Wetter morgen in Ulm?", "de", ("weather", "tomorrow", "Ulm")),
        ("annule la commande 7782", "fr", ("cancel", "order", "7782")),
        ("¿qué tiempo hace en Lima?", "es", ("weather", "Lima")),
        ("上海今天天气", "zh", ("today", "weather")),
        ("plot the weather of today", "en", ("plot the weather of today",)),
    ],
)
def test_foreign_words_are_read_as_english_ones(text: str, language: str, has: tuple[str, ...]) -> None:
    assert words.language_of(text) == language
    assert all(each in words.gloss(text) for each in has)
