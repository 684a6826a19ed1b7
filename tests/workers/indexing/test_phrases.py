"""Phrases that a capable model writes make GPTs of the store findable, and nothing else."""

import pytest

from gpts.runs.search_texts import N_PHRASES, PHRASE_CHARS
from tests.publishing import publish
from tests.workers.made_services import made_services
from web.builder.models_access import Sharing
from web.builder.models_store import SearchEntry
from web.builder.search import find
from web.builder.services import create_gpt, set_sharing, update_gpt
from web.runs import services as runs
from workers.engine.base import EngineError
from workers.engine.scripted import CAPABLE
from workers.indexing import contexts, store
from workers.indexing.phrases import write_phrases
from workers.indexing.store import StoreVectors, refresh
from workers.knowledge import publishing
from workers.knowledge.embed import shared_embedder

WRITTEN = '1. monsoon clothing\n- umbrella\n\n* Umbrella \n"gutters"\n' + "very long " * 10
ABILITY = CAPABLE.model_copy(update={"keeps_to_sources": True})


@pytest.fixture
def gpt(alice):
    """A GPT of the store whose vector a worker has made."""
    gpt = create_gpt(alice, {"name": "Weather Desk", "description": "Tells whether it will rain."})
    publish(gpt, Sharing.STORE)
    refresh(shared_embedder())
    return gpt


def model(*script, ability=ABILITY):
    """The services of a model worker whose model writes this."""
    return made_services(list(script), None, shared_embedder(), ability)


def phrases():
    return SearchEntry.objects.get().phrases


def test_a_gpt_is_found_by_words_and_meaning_of_its_phrases(gpt):
    vectors = StoreVectors(shared_embedder())
    before = dict(vectors.nearest("parasol"))
    its = model(WRITTEN)
    write_phrases(its)
    assert phrases() == ["monsoon clothing", "umbrella", "gutters"]
    assert find("gutter", by_meaning=False) == [gpt.id]
    assert dict(vectors.nearest("parasol"))[gpt.id] > before.get(gpt.id, 0.0)
    assert "Description: Tells whether it will rain." in its.engine.requests[0].messages[-1].content
    assert refresh(shared_embedder()) == 0
    write_phrases(model())


def test_phrases_are_few_and_short(gpt):
    write_phrases(model("\n".join(f"phrase {n}" for n in range(99)) + "\n" + "x" * (PHRASE_CHARS + 1)))
    assert len(phrases()) == N_PHRASES


def test_nothing_usable_is_not_asked_for_again(gpt):
    write_phrases(model("x " * 99))
    write_phrases(model())
    assert phrases() == []


def test_they_stay_until_the_card_changes(gpt, alice):
    write_phrases(model("umbrella"))
    publish(update_gpt(gpt, {"instructions": "Be brief."}, by=alice))
    refresh(shared_embedder())
    assert phrases() == ["umbrella"]
    assert find("umbrella", by_meaning=False) == [gpt.id]
    publish(update_gpt(gpt, {"description": "Plans trips to the coast."}, by=alice))
    refresh(shared_embedder())
    assert phrases() is None
    assert find("umbrella", by_meaning=False) == []
    write_phrases(model("beach"))
    assert find("beach", by_meaning=False) == [gpt.id]


def test_those_of_a_card_that_changed_meanwhile_are_not_taken(gpt, alice, monkeypatch):
    def publish_again(text):
        publish(update_gpt(gpt, {"description": "Plans trips to the coast."}, by=alice))

    monkeypatch.setattr("workers.indexing.phrases.unless_run_waits", lambda: publish_again)
    write_phrases(model("umbrella"))
    assert phrases() is None
    assert find("umbrella", by_meaning=False) == []


def test_a_vector_made_meanwhile_does_not_replace_theirs(gpt, monkeypatch):
    SearchEntry.objects.update(embedder="another")
    encoded = store._encoded

    def slow(entries, embedder):
        monkeypatch.setattr(store, "_encoded", encoded)
        store.take_phrases(SearchEntry.objects.get(), ["umbrella"], embedder)
        return encoded(entries, embedder)

    monkeypatch.setattr(store, "_encoded", slow)
    refresh(shared_embedder())
    entry = SearchEntry.objects.get()
    assert bytes(entry.vector) == encoded([entry], shared_embedder())[0]


def test_chats_go_first(gpt, conversation, monkeypatch):
    monkeypatch.setattr(contexts, "LOOK_EVERY_S", 0.0)
    its = model("umbrella")
    run = runs.start_run(conversation, "Will it rain?")
    write_phrases(its)
    assert (its.engine.requests, phrases()) == ([], None)
    runs.cancel_run(run)
    write_phrases(its)
    assert phrases() == ["umbrella"]


def test_a_worker_that_is_killed_or_another_that_writes_loses_nothing(gpt, home):
    with pytest.raises(EngineError):
        write_phrases(model([EngineError("killed")]))
    its = model("umbrella")
    with publishing.locked(home / "run" / "phrases.lock"):
        write_phrases(its)
    assert (its.engine.requests, phrases()) == ([], None)
    write_phrases(its)
    assert phrases() == ["umbrella"]


def test_a_gpt_that_is_not_in_the_store_gets_none(gpt, alice):
    set_sharing(gpt, Sharing.ME, by=alice)
    its = model("umbrella")
    write_phrases(its)
    assert (its.engine.requests, phrases()) == ([], None)
    set_sharing(gpt, Sharing.STORE, by=alice)
    write_phrases(its)
    assert phrases() == ["umbrella"]


def test_a_model_that_is_not_capable_writes_none(gpt):
    its = model("umbrella", ability=CAPABLE)
    write_phrases(its)
    assert its.engine.requests == []
