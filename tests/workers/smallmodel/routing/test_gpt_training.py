"""Training the choice of GPTs makes honest cases, holds out whole domains, and changes only the layers it names."""

from pathlib import Path

import numpy as np
import pytest

from tests.workers.smallmodel.routing.test_router import HashedEmbedder
from workers.smallmodel.routing.gpt_head import for_any, gpt_logits, gpt_probabilities
from workers.smallmodel.routing.head import load_weights, save_weights
from workers.smallmodel.routing.training.gpt_fit import fit, fit_wish, inputs_of_cases
from workers.smallmodel.routing.training.gpt_train import gpt_material, split
from workers.smallmodel.routing.tuned import add_change, tuned


def test_there_are_many_gpts_in_many_domains_and_languages() -> None:
    material = gpt_material()
    gpts = [gpt for domain in material.domains for gpt in domain.gpts]
    slugs = [gpt.candidate.name for gpt in gpts]
    assert len(material.domains) >= 14
    assert len(slugs) == len(set(slugs)) >= 80
    assert all(len(gpt.says) >= 8 for gpt in gpts)
    assert all(domain.none for domain in material.domains)
    assert set(material.overlaps) <= set(slugs)


def test_the_same_seed_makes_the_same_cases() -> None:
    assert gpt_material().cases(1, 5) == gpt_material().cases(1, 5)
    assert gpt_material().cases(1, 5) != gpt_material().cases(1, 6)


def test_the_right_gpt_is_among_those_offered_or_none() -> None:
    for case in gpt_material().cases(1, 2):
        names = [each.name for each in case.candidates]
        assert len(names) == len(set(names))
        assert 0 <= case.right <= len(names)
        assert (case.right == len(names)) == case.kind.startswith(("absent", "none"))


def test_whole_domains_are_held_out() -> None:
    kept, held = split(gpt_material(), 3, 0)
    assert {each.name for each in kept.domains}.isdisjoint(each.name for each in held.domains)
    assert len(kept.domains) + len(held.domains) == len(gpt_material().domains)
    assert all(set(kept.nothing[kind]).isdisjoint(lines) for kind, lines in held.nothing.items())


def test_a_head_is_fitted_kept_and_read_again(tmp_path: Path) -> None:
    cases = gpt_material().cases(1, 3)[:200]
    inputs = inputs_of_cases(cases, HashedEmbedder().encode)
    weights = fit(cases, inputs, fit_wish(cases, inputs, 1), 1, lambda line: None)
    save_weights([weights], tmp_path / "head.npz")
    (again,) = load_weights(tmp_path / "head.npz")
    for each in inputs[:20]:
        assert gpt_logits(each, again) == pytest.approx(gpt_logits(each, weights), abs=0.1)
        assert gpt_probabilities(each, [again]).sum() == pytest.approx(1, abs=1e-4)


def test_a_head_for_any_embedder_reads_no_vectors() -> None:
    cases = gpt_material().cases(1, 3)[:200]
    inputs = [for_any(each) for each in inputs_of_cases(cases, HashedEmbedder().encode)]
    weights = fit(cases, inputs, fit_wish(cases, inputs, 1), 1, lambda line: None)
    assert np.isfinite(gpt_logits(inputs[0], weights)).all()
    assert all(384 not in part.shape for part in weights.values())


def test_a_change_is_added_to_the_layers_it_names() -> None:
    import torch

    model = torch.nn.ModuleDict({"query": torch.nn.Linear(4, 4), "key": torch.nn.Linear(4, 4)})
    query, key = model["query"].weight.clone(), model["key"].weight.clone()
    up, down = np.full((4, 1), 0.5, np.float16), np.full((1, 4), 2, np.float16)
    add_change(model, {"query/up": up, "query/down": down})
    assert torch.equal(model["key"].weight, key)
    assert torch.allclose(model["query"].weight, query + 1)


def test_other_embedders_are_not_tuned() -> None:
    assert tuned(HashedEmbedder()) is None
