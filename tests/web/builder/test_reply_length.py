"""The longest answer of a GPT: automatic unless its creator chose a limit, in drafts, versions and files."""

import json
from importlib import import_module

import pytest
from django.apps import apps

from gpts.portable.package import PackedModel
from web.builder import exports
from web.builder.models import Gpt, GptVersion

from .conftest import JSON

MIGRATION = import_module("web.builder.migrations.0003_release_0_2_data")


def stored(gpt: Gpt) -> list[int | None]:
    return [
        Gpt.objects.get(id=gpt.id).max_tokens,
        GptVersion.objects.get(id=gpt.published_id).data["model"]["max_tokens"],
    ]


def test_a_new_gpt_leaves_it_to_the_model(gpt):
    assert stored(gpt) == [None, None]


@pytest.mark.parametrize(("sent", "kept"), [("", None), ("30000", 30_000), ("400", 400)])
def test_its_creator_may_choose_a_limit_and_take_it_back(as_alice, gpt, fields, sent, kept):
    Gpt.objects.filter(id=gpt.id).update(max_tokens=7)
    answer = as_alice.post("/gpts/pump-doctor/edit", {**fields, "max_tokens": sent}, headers=JSON)
    assert answer.json()["errors"] == {}
    assert stored(gpt)[0] == kept


@pytest.mark.parametrize(("former", "now"), [(400, None), (800, 800)])
def test_the_former_default_of_drafts_and_versions_becomes_automatic(gpt, former, now):
    version = gpt.published
    version.data["model"]["max_tokens"] = former
    version.save()
    Gpt.objects.filter(id=gpt.id).update(max_tokens=former)
    MIGRATION.update_versions(apps, None)
    assert stored(gpt) == [now, now]


def test_a_file_of_an_earlier_release_has_no_limit_either_and_theirs_takes_ours(gpt, alice):
    assert PackedModel.model_validate({"max_tokens": 400}).max_tokens is None
    assert PackedModel.model_validate({"max_tokens": 800}).max_tokens == 800
    model = exports.export(gpt, None, reader=alice).package.model_dump(mode="json")["model"]
    assert "max_tokens" not in json.loads(json.dumps(model))
