"""Training makes honest cases: nothing of what is held out is trained on, and the benchmark's requests are new."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.lab import packed
from tests.lab.routing import CHOICES
from tests.lab.training import fit as fitting
from tests.lab.training.cases import CaseMaker, TrainingCase
from tests.lab.training.examples import Examples, gpts, schema_of, tools
from tests.workers.smallmodel.routing.test_router import HashedEmbedder
from workers.knowledge.tuned import add_change, tuned
from workers.smallmodel.routing.candidates import words_of_name
from workers.smallmodel.routing.head import (
    N_WISHES,
    load_weights,
    logits,
    probabilities,
    scores,
    wish_row,
    wishes,
)
from workers.smallmodel.routing.router import TUNING

EXAMPLES = {"tools": tools(), "gpts": gpts()}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Two threads take twice the time for matrices as small as these."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture(params=["tools", "gpts"])
def examples(request: pytest.FixtureRequest) -> Examples:
    return EXAMPLES[request.param]


@cache
def made_cases(kind: str, seed: int) -> list[TrainingCase]:
    return CaseMaker(EXAMPLES[kind], seed).cases(1)


def cases(examples: Examples, seed: int = 3) -> list[TrainingCase]:
    return made_cases(examples.kind, seed)


def said(examples: Examples) -> set[str]:
    members = [each for group in examples.groups for each in group.members] + list(examples.builtin)
    return {text for each in members for text in each.says}


def test_there_are_many_gpts_in_many_domains() -> None:
    slugs = [each.candidate.name for group in gpts().groups for each in group.members]
    assert len(slugs) == len(set(slugs)) >= 80
    assert set(gpts().overlaps) <= set(slugs)


def test_the_same_seed_makes_the_same_cases(examples: Examples) -> None:
    assert cases(examples) == CaseMaker(examples, 3).cases(1)
    assert cases(examples) != cases(examples, 2)


def test_the_right_candidate_is_among_those_offered_or_none(examples: Examples) -> None:
    for case in cases(examples, 2):
        names = [each.name for each in case.candidates]
        assert 0 < len(names) == len(set(names))
        assert 0 <= case.right <= len(names)
        assert (case.right == len(names)) == (case.kind == "absent" or case.kind.startswith("none"))


def test_calls_are_shown_under_the_names_that_are_offered() -> None:
    n_shown = 0
    for case in cases(EXAMPLES["tools"]):
        offered = {words_of_name(each.name): each.name for each in case.candidates}
        for role, text in case.conversation:
            name = text.strip("[]")
            if role == "assistant" and text == f"[{name}]" and words_of_name(name) in offered:
                assert offered[words_of_name(name)] == name
                n_shown += 1
    assert n_shown > 50


def test_whole_groups_and_lines_are_held_out(examples: Examples) -> None:
    kept, held = examples.part(3, 0, False), examples.part(3, 0, True)
    assert {each.name for each in kept.groups}.isdisjoint(each.name for each in held.groups)
    assert len(kept.groups) + len(held.groups) == len(examples.groups)
    assert said(kept).isdisjoint(said(held))
    assert all(set(kept.nothing[kind]).isdisjoint(lines) for kind, lines in held.nothing.items())


def test_what_a_message_wants_is_learned_without_its_own_source() -> None:
    some = [case for case in cases(EXAMPLES["tools"]) if case.kind in ("plain", "none thanks")][:400]
    inputs = fitting.inputs_of_cases(some, HashedEmbedder().encode)
    weights, unseen = fitting.fit_wishes(some, inputs, 0)
    seen = wishes(np.stack([wish_row(each) for each in inputs]), weights)
    wanted = np.array([case.wish for case in some])
    assert unseen.shape == seen.shape == (len(some), N_WISHES)
    assert (seen.argmax(1) == wanted).mean() > (unseen.argmax(1) == wanted).mean()
    assert {case.source for case in some if case.wish == 4} <= {group.name for group in EXAMPLES["tools"].groups}


def test_no_request_of_the_benchmark_is_an_example() -> None:
    rows = packed.rows(CHOICES / "tools.jsonl.gz")
    tested = {tool.get("function", tool)["name"] for row in rows for tool in row["tools"] if isinstance(tool, dict)}
    assert tested.isdisjoint(each.candidate.name for group in EXAMPLES["tools"].groups for each in group.members)


def test_no_unseen_message_is_an_example(examples: Examples) -> None:
    rows = packed.rows(CHOICES / f"unseen-{examples.kind}.jsonl.gz")
    asked = {(row.get("message") or row["conversation"][-1]["content"]).lower() for row in rows}
    # Greetings and thanks are the same words everywhere.
    assert len(asked & {text.lower() for text in said(examples)}) == 0


def test_short_notation_becomes_a_schema() -> None:
    assert schema_of("id!, day:date, mode=a|b!") == {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "day": {"type": "string", "format": "date"},
            "mode": {"type": "string", "enum": ["a", "b"]},
        },
        "required": ["id", "mode"],
    }


def test_a_trained_head_learns_its_cases_and_survives_saving(
    examples: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "EPOCHS", 40)
    some = cases(examples)[:256]
    inputs = fitting.inputs_of_cases(some, HashedEmbedder().encode)
    weights = fitting.fit(some, inputs, fitting.fit_wishes(some, inputs, 0), 0, lambda line: None)
    hits = [int(logits(each, weights).argmax()) == case.right for each, case in zip(inputs, some, strict=True)]
    assert np.mean(hits) > 0.7
    fitting.save_weights([weights], tmp_path / "head.npz")
    stored = load_weights(tmp_path / "head.npz")
    assert np.allclose(probabilities(inputs[0], stored), probabilities(inputs[0], [weights]), atol=0.02)


def test_a_head_for_any_embedder_reads_no_vectors() -> None:
    some = cases(EXAMPLES["gpts"])[:200]
    inputs = fitting.inputs_of_cases(some, HashedEmbedder().encode, any_embedder=True)
    weights = fitting.fit(some, inputs, fitting.fit_wishes(some, inputs, 1), 1, lambda line: None)
    assert np.isfinite(logits(inputs[0], weights)).all()
    assert all(384 not in part.shape for part in weights.values())


def test_inference_in_numpy_agrees_with_training_in_torch() -> None:
    some = cases(EXAMPLES["tools"])[:64]
    inputs = fitting.inputs_of_cases(some, HashedEmbedder().encode)
    wish = fitting.fit_wishes(some, inputs, 0)
    weights = fitting.fit(some, inputs, wish, 0, lambda line: None)
    unseen = np.stack([wishes(wish_row(each), weights) for each in inputs])
    tables = fitting._tables(some, inputs, unseen, weights, torch)
    trained = scores(tables, {name: torch.tensor(part) for name, part in weights.items()}, torch).numpy()
    for row, each in zip(trained, inputs, strict=True):
        n = len(each.pairs)
        assert np.allclose(np.append(row[:n], row[-1]), logits(each, weights), atol=1e-3)


def test_a_change_is_added_to_the_layers_it_names() -> None:
    model = torch.nn.ModuleDict({"query": torch.nn.Linear(4, 4), "key": torch.nn.Linear(4, 4)})
    query, key = model["query"].weight.clone(), model["key"].weight.clone()
    up, down = np.full((4, 1), 0.5, np.float16), np.full((1, 4), 2, np.float16)
    add_change(model, {"query/up": up, "query/down": down})
    assert torch.equal(model["key"].weight, key)
    assert torch.allclose(model["query"].weight, query + 1)


def test_other_embedders_are_not_tuned() -> None:
    assert tuned(HashedEmbedder(), TUNING) is None
