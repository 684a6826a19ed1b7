"""The sample GPTs: made once, published when ready, updated when they change, else left alone."""

import shutil
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from web.builder.files import file_became_ready
from web.builder.management.commands import createsamples
from web.builder.models import Gpt, GptVersion, KnowledgeFile
from web.builder.services import delete_gpt, update_gpt


@pytest.fixture
def samples(monkeypatch, tmp_path):
    """A folder with two of the samples, to change at will."""
    folder = tmp_path / "samples"
    for name in ("pump-doctor", "house-plant-helper"):
        shutil.copytree(createsamples.SAMPLES / name, folder / name)
    monkeypatch.setattr(createsamples, "SAMPLES", folder)
    return folder


def run(*options: str) -> str:
    """What the command prints."""
    out = StringIO()
    call_command("createsamples", *options, stdout=out)
    return out.getvalue()


def finish_files() -> None:
    """Do what the worker does when it has read the files."""
    KnowledgeFile.objects.update(status="ready", segment="s")
    for file in KnowledgeFile.objects.filter(removed=None):
        file_became_ready(file)


def test_samples_are_published_to_the_store_when_their_files_are_ready(db, samples):
    run()
    assert not Gpt.objects.in_store().exists()

    finish_files()

    assert Gpt.objects.in_store().count() == 2
    pump = Gpt.objects.get(slug="pump-doctor")
    assert (pump.owner.shown_name, pump.featured, pump.category) == ("the hall", True, "work")
    assert not pump.owner.has_usable_password()
    assert len(pump.published.spec().knowledge) == pump.files.count() == 3


def test_running_it_again_changes_nothing(db, samples):
    run()
    finish_files()
    before = list(Gpt.objects.order_by("slug").values()), KnowledgeFile.objects.count()

    assert run() == ""
    createsamples.done_path().unlink()  # and with its memory lost it still makes nothing twice
    run()

    after = list(Gpt.objects.order_by("slug").values()), KnowledgeFile.objects.count()
    assert [row | {"changed": 0} for row in before[0]] == [row | {"changed": 0} for row in after[0]]
    assert before[1] == after[1]
    assert GptVersion.objects.count() == 2


def test_a_sample_that_changed_is_brought_up_to_date(db, samples):
    run()
    finish_files()
    toml = samples / "pump-doctor" / "gpt.toml"
    toml.write_text(toml.read_text().replace('name = "Pump Doctor"', 'name = "Pump Nurse"'))
    (samples / "pump-doctor" / "files" / "service-bulletins.txt").write_text("New bulletin.")

    assert run() == "pump-doctor: updated\n"
    finish_files()

    pump = Gpt.objects.get(slug="pump-doctor")
    assert pump.published.number == 2
    assert pump.published.spec().name == "Pump Nurse"
    assert pump.files.filter(removed=None).count() == 3


def test_what_people_edited_or_deleted_stays_so(db, samples):
    run()
    finish_files()
    update_gpt(Gpt.objects.get(slug="pump-doctor"), {"name": "Our Pumps"})
    delete_gpt(Gpt.objects.get(slug="house-plant-helper"))

    run()
    assert Gpt.objects.get(slug="pump-doctor").name == "Our Pumps"
    (samples / "house-plant-helper" / "gpt.toml").open("a").write("\n# changed\n")
    assert run() == "house-plant-helper: deleted here, left so\n"
    assert Gpt.objects.get(slug="house-plant-helper").deleted


def test_waiting_without_a_worker_ends_with_a_sentence(db, samples):
    with pytest.raises(CommandError, match="Is a worker running"):
        run("--wait", "0.01")


def test_a_new_database_gets_its_samples_although_the_folder_remembers(db, samples):
    run()
    Gpt.objects.all().delete()

    assert "pump-doctor: made" in run()
