"""Training makes honest cases: nothing of what is held out is trained on, and the benchmark's requests are new."""

import json

import numpy as np

from tests.workers.smallmodel.routing.test_router import HashedEmbedder
from workers.smallmodel.routing.head import load_weights, logits, probabilities, save_weights, wish_inputs, wishes
from workers.smallmodel.routing.training import fit as fitting
from workers.smallmodel.routing.training.examples import builtin_functions, families, nothing, schema_of
from workers.smallmodel.routing.training.train import Material, split
from workers.smallmodel.routing.training.wishes import fit_wishes
from workers.smallmodel.routing.words import DATA


def material() -> Material:
    return Material(families(), builtin_functions(), nothing())


def said(part: Material) -> set[str]:
    functions = [function for family in part.families for function in family.functions] + part.builtin
    return {text for function in functions for text in function.says}


def test_the_same_seed_makes_the_same_cases() -> None:
    assert material().cases(1, 5) == material().cases(1, 5)
    assert material().cases(1, 5) != material().cases(1, 6)


def test_the_right_candidate_is_among_those_offered_or_none() -> None:
    for case in material().cases(1, 2):
        names = [each.name for each in case.candidates]
        assert 0 < len(names) == len(set(names))
        assert 0 <= case.right <= len(names)
        assert (case.right == len(names)) == (case.kind == "absent" or case.kind.startswith("none"))


def test_whole_families_are_held_out() -> None:
    kept, held = split(material())
    assert {family.name for family in kept.families}.isdisjoint(family.name for family in held.families)
    assert said(kept).isdisjoint(said(held))
    assert len(held.families) >= 10


def test_what_a_message_wants_is_learned_without_its_own_source() -> None:
    cases = [case for case in material().cases(1, 3) if case.kind in ("plain", "none thanks")][:400]
    inputs = fitting.inputs_of_cases(cases, HashedEmbedder().encode)
    weights, unseen = fit_wishes(cases, inputs, 0)
    seen = wishes(np.stack([wish_inputs(each) for each in inputs]), weights)
    wanted = np.array([case.wish for case in cases])
    assert unseen.shape == seen.shape == (len(cases), 6)
    assert (seen.argmax(1) == wanted).mean() > (unseen.argmax(1) == wanted).mean()
    assert {case.source for case in cases if case.wish == 4} <= {family.name for family in families()}


def test_no_request_of_the_benchmark_is_an_example() -> None:
    rows = [json.loads(line) for line in (DATA / "bench.jsonl").read_text("utf-8").splitlines()]
    tested = {name for row in rows for tool in row["tools"] if isinstance(tool, dict) for name in [_name(tool)]}
    assert tested.isdisjoint(function.candidate.name for family in families() for function in family.functions)


def _name(tool: dict) -> str:
    return tool.get("function", tool)["name"]


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


def test_a_trained_head_learns_its_cases_and_survives_saving(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(fitting, "EPOCHS", 40)
    cases = material().cases(1, 3)[:256]
    inputs = fitting.inputs_of_cases(cases, HashedEmbedder().encode)
    right = [case.right for case in cases]
    losses: list[str] = []
    weights = fitting.fit(cases, inputs, fit_wishes(cases, inputs, 0), 0, losses.append)
    hits = np.mean([int(logits(each, weights).argmax()) == n for each, n in zip(inputs, right, strict=True)])
    assert hits > 0.7
    save_weights([weights], tmp_path / "head.npz")
    stored = load_weights(tmp_path / "head.npz")
    assert np.allclose(probabilities(inputs[0], stored), probabilities(inputs[0], [weights]), atol=0.02)


def test_inference_in_numpy_agrees_with_training_in_torch() -> None:
    import torch

    cases = material().cases(1, 3)[:4]
    inputs = fitting.inputs_of_cases(cases, HashedEmbedder().encode)
    weights = load_weights()[0]
    parts = {name: torch.tensor(part) for name, part in weights.items()}
    right = [case.right for case in cases]
    torch.manual_seed(0)
    dropout = torch.nn.functional.dropout
    try:
        torch.nn.functional.dropout = lambda x, p: x
        wide = [fitting.widen(each, wishes(wish_inputs(each), weights)) for each in inputs]
        loss = fitting._loss(inputs, wide, right, parts, torch)
    finally:
        torch.nn.functional.dropout = dropout
    assert abs(float(loss) - _loss_in_numpy(inputs, right, weights)) < 1e-2


def _loss_in_numpy(inputs, right, weights) -> float:
    losses = []
    for each, n in zip(inputs, right, strict=True):
        likely = np.log(probabilities(each, [weights]) + 1e-9)
        losses.append(-(1 - fitting.SMOOTHING) * likely[n] - fitting.SMOOTHING * likely.mean())
    return float(np.mean(losses))
