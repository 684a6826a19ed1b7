"""The sample GPTs: created once, published when ready, updated when they change, else left alone.

Those that ask others are made after them.
"""

import json
import shutil
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from web import rpc
from web.builder.files import file_became_ready, remove_file
from web.builder.management.commands import createsamples
from web.builder.models import DelegateRow, Gpt, GptVersion
from web.builder.models_files import KnowledgeFile
from web.builder.services import create_gpt, delete_gpt, set_sharing, update_gpt
from workers.rpc.actions import read_action
from workers.tools.settings import ToolSettings

SAMPLES = createsamples.SAMPLES
ASKED = {"pump-doctor": "Pumps.", "study-coach": "Learning."}


@pytest.fixture
def samples(monkeypatch, tmp_path):
    """A folder with two of the samples, to change at will."""
    folder = tmp_path / "samples"
    for name in ("pump-doctor", "git-helper"):
        shutil.copytree(SAMPLES / name, folder / name)
    monkeypatch.setattr(createsamples, "SAMPLES", folder)
    return folder


@pytest.fixture
def asking(samples):
    """The folder of a sample whose name comes first and that asks two others of the folder, besides `samples`."""
    shutil.copytree(SAMPLES / "study-coach", samples / "study-coach")
    shutil.copytree(SAMPLES / "front-desk", samples / "a-front-desk")
    toml = samples / "a-front-desk" / "gpt.toml"
    text = toml.read_text().replace('name = "Front Desk"', 'name = "A Front Desk"').partition("[[delegates]]")[0]
    rows = [f'[[delegates]]\ngpt = "{slug}"\nwhen = "{when}"\n' for slug, when in ASKED.items()]
    toml.write_text(text + "".join(rows))
    return samples / "a-front-desk"


def delegates(slug: str = "a-front-desk") -> dict[str, str]:
    """Whom the draft of the sample may ask, and when, in the order of its list."""
    rows = Gpt.objects.get(slug=slug).delegates.select_related("delegate")
    return {row.delegate.slug: row.when for row in rows}


def change(folder, old: str, new: str) -> None:
    """Replace words in a sample's form."""
    toml = folder / "gpt.toml"
    assert old in toml.read_text()
    toml.write_text(toml.read_text().replace(old, new))


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
    assert (pump.owner.shown_name, pump.featured, pump.category) == ("Guildhall", True, "work")
    assert not pump.owner.has_usable_password()
    assert len(pump.published.spec().knowledge) == pump.files.count() == 4


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
    change(samples / "pump-doctor", 'name = "Pump Doctor"', 'name = "Pump Nurse"')
    (samples / "pump-doctor" / "files" / "service-bulletins.txt").write_text("New bulletin.")

    assert run() == "pump-doctor: updated\n"
    finish_files()

    pump = Gpt.objects.get(slug="pump-doctor")
    assert pump.published.number == 2
    assert pump.published.spec().name == "Pump Nurse"
    assert pump.files.filter(removed=None).count() == 4


def test_a_sample_takes_files_from_the_documentation_and_follows_them(db, samples, monkeypatch, tmp_path):
    pages = tmp_path / "docs" / "pages"
    pages.mkdir(parents=True)
    (pages / "using.md").write_text("# Using\n\nPress Stop to end an answer.")
    monkeypatch.setattr(createsamples, "WEB", tmp_path)
    (samples / "guide").mkdir()
    guide = (SAMPLES / "guildhall-guide" / "gpt.toml").read_text()
    (samples / "guide" / "gpt.toml").write_text(guide.replace('name = "Guildhall Guide"', 'name = "Guide"'))
    run()
    finish_files()
    assert run() == ""
    (pages / "using.md").write_text("# Using\n\nPress Stop twice.")

    assert run() == "guide: updated\n"

    finish_files()
    assert [file.name for file in Gpt.objects.get(slug="guide").files.filter(removed=None)] == ["using.md"]
    assert Gpt.objects.get(slug="guide").published.number == 2


def test_what_people_edited_or_deleted_stays_so(db, samples):
    run()
    finish_files()
    pump_doctor = Gpt.objects.get(slug="pump-doctor")
    update_gpt(pump_doctor, {"name": "Our Pumps"}, by=pump_doctor.owner)
    delete_gpt(Gpt.objects.get(slug="git-helper"))

    run()
    assert Gpt.objects.get(slug="pump-doctor").name == "Our Pumps"
    (samples / "git-helper" / "gpt.toml").open("a").write("\n# changed\n")
    assert run() == "git-helper: was deleted, skipped\n"
    assert Gpt.objects.get(slug="git-helper").deleted


@pytest.mark.parametrize(
    "edit",
    [
        lambda gpt: update_gpt(gpt, {"instructions": "Ours."}, by=gpt.owner),
        lambda gpt: set_sharing(gpt, "me", by=gpt.owner),
        lambda gpt: remove_file(gpt.files.get(name="fault-codes.md")),
    ],
)
def test_a_new_release_leaves_a_sample_alone_that_was_edited_here(db, samples, edit):
    run()
    finish_files()
    gpt = Gpt.objects.get(slug="pump-doctor")
    edit(gpt)
    before = createsamples.state_of(gpt)
    change(samples / "pump-doctor", "field technicians", "technicians")

    assert run() == "pump-doctor: was edited, skipped\n"
    assert run() == ""
    assert createsamples.state_of(gpt) == before


def test_a_sample_that_a_new_release_no_longer_has_stays_on_the_site(db, samples):
    run()
    finish_files()
    shutil.rmtree(samples / "git-helper")

    assert run() == ""
    assert Gpt.objects.in_store().get(slug="git-helper").files.filter(removed=None).count() == 2


def test_a_sample_of_an_older_release_is_updated_and_stays_out_of_the_store(db, samples):
    run()
    finish_files()
    pump_doctor = Gpt.objects.get(slug="pump-doctor")
    set_sharing(pump_doctor, "me", by=pump_doctor.owner)
    createsamples.done_path().write_text(json.dumps({"pump-doctor": "0" * 64, "git-helper": "0" * 64}))

    assert run() == "git-helper: updated\npump-doctor: updated\n"
    assert [gpt.slug for gpt in Gpt.objects.in_store()] == ["git-helper"]


def test_a_sample_that_asks_others_is_made_after_them_and_published_with_them(db, asking):
    made = run().splitlines()
    finish_files()

    assert made[-1] == "a-front-desk: created"
    assert list(delegates()) == ["pump-doctor", "study-coach"]
    assert delegates()["study-coach"] == "Learning."
    opinion = Gpt.objects.in_store().get(slug="a-front-desk")
    assert (opinion.featured, opinion.files.count()) == (True, 0)
    spec = opinion.published.spec()
    assert (spec.delegates_to_all, spec.delegates_to_store) == (False, True)
    assert [(each.slug, each.when) for each in spec.delegates] == list(delegates().items())


def test_running_it_again_changes_nothing_for_a_sample_that_asks_others(db, asking):
    run()
    finish_files()
    before = list(DelegateRow.objects.values()), list(GptVersion.objects.values())

    assert run() == ""
    createsamples.done_path().unlink()  # and with its memory lost it still adds nobody twice
    run()

    assert (list(DelegateRow.objects.values()), list(GptVersion.objects.values())) == before


def test_a_changed_line_on_when_to_ask_and_a_changed_list_are_brought_up_to_date(db, asking):
    run()
    finish_files()
    change(asking, "Learning.", "Exams.")
    change(asking, 'gpt = "pump-doctor"', 'gpt = "git-helper"')

    assert run() == "a-front-desk: updated\n"

    assert delegates() == {
        "git-helper": "Pumps.",
        "study-coach": "Exams.",
    }
    opinion = Gpt.objects.get(slug="a-front-desk")
    assert opinion.published.number == 2
    assert {each.slug for each in opinion.published.spec().delegates} == set(delegates())


def test_a_sample_that_asks_nobody_any_more_keeps_no_delegates(db, asking):
    run()
    finish_files()
    toml = asking / "gpt.toml"
    toml.write_text(toml.read_text().partition("[[delegates]]")[0])

    assert run() == "a-front-desk: updated\n"

    assert delegates() == {}
    assert Gpt.objects.get(slug="a-front-desk").published.spec().delegates == ()


def test_a_delegate_that_was_deleted_here_is_left_out(db, asking):
    shutil.move(asking, asking.parent.parent / "later")
    run()
    finish_files()
    delete_gpt(Gpt.objects.get(slug="study-coach"))
    shutil.move(asking.parent.parent / "later", asking)

    assert run() == "a-front-desk: created\n"

    assert list(delegates()) == ["pump-doctor"]


def test_a_sample_whose_address_was_taken_is_made_once_and_is_the_one_that_is_asked(db, asking, alice):
    taken = create_gpt(alice, {"name": "Study Coach"})
    assert taken.slug == "study-coach"

    run()
    finish_files()

    assert run() == ""
    assert list(delegates()) == ["pump-doctor", "study-coach-2"]


def test_waiting_without_a_worker_ends_with_a_sentence(db, samples):
    with pytest.raises(CommandError, match="Is a worker running"):
        run("--wait", "0.01")


def test_a_sample_with_an_action_is_published_once_its_service_answers(db, samples, monkeypatch):
    def ask(task: str, *args: str, **_: object) -> dict[str, object]:
        if task.endswith("import_action"):
            return read_action(args[0], args[1], json.loads(args[2]), ToolSettings())
        return answers[-1]

    monkeypatch.setattr(rpc, "call", ask)
    shutil.copytree(SAMPLES / "currency-desk", samples / "currency-desk")
    answers: list[dict[str, object]] = [{"error": "No such host."}]
    assert "currency-desk: skipped until the next start. api.frankfurter.dev" in run()
    assert not Gpt.objects.get(slug="currency-desk").published

    answers.append({"status": 200, "error": ""})
    assert "currency-desk: updated" in run()
    assert Gpt.objects.in_store().get().slug == "currency-desk"


def test_a_new_database_gets_its_samples_although_the_folder_remembers(db, samples):
    run()
    Gpt.objects.all().delete()

    assert "pump-doctor: created" in run()
