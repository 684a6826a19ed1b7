"""A picture from its upload to the model that sees it, made anew on the way; no other model is shown any."""

from io import BytesIO

import pytest
from PIL import Image

from gpts.runs.steps import Finished
from tests.workers import advancing
from tests.workers.conftest import read
from tests.workers.knowledge.conftest import WordEmbedder
from tests.workers.made_services import made_services
from web.operate.models import MeasuredModel
from web.runs import files, log, services, stream
from web.runs.errors import Refused
from web.runs.models import ConversationFile
from workers.engine.scripted import CAPABLE
from workers.indexing.attachments import NO_TEXT_IN_PICTURE, SEEN
from workers.knowledge.index import KnowledgeIndex
from workers.runs import pictures

SEEING = CAPABLE.model_copy(update={"sees_images": True, "context_tokens": 32_768})
WHERE = b"Exif\x00\x00secret place"


@pytest.fixture
def model(db, monkeypatch) -> MeasuredModel:
    """The record of the loaded model, which sees."""
    monkeypatch.setattr(stream, "publish", lambda run_id, *new: None)
    return MeasuredModel.objects.create(fingerprint="f", name="eyes", measured={"sees_images": True})


def garden(colour: str = "green") -> bytes:
    """A photo without text, with metadata."""
    out = BytesIO()
    Image.new("RGB", (3_000, 2_000), colour).save(out, "JPEG", exif=WHERE)
    return out.getvalue()


def shown(conversation, text: str, home, words: WordEmbedder, *attached: ConversationFile, ability=SEEING):
    """The prompt's pictures by message, and the end, of a run over `text` with these files."""
    run = services.start_run(conversation, text, attachments=[file.id for file in attached])
    its = made_services(["It is a lawn."], KnowledgeIndex(home, words), words, ability)
    advancing.advance(run.id, "model", lambda: its)
    end = log.read(run.id)[-1]
    assert isinstance(end, Finished), end
    return [message.pictures for message in its.engine.requests[-1].messages], end


def test_a_model_that_sees_gets_a_small_copy_without_metadata_also_in_later_turns(
    bob, conversation, model, home, words
) -> None:
    file = read(files.attach(bob, "garden.jpg", [garden()]))
    assert (file.reading, file.segment, file.all_notices) == ("ready", "", [SEEN])
    for question in ("What is this?", "And what colour is it?"):
        attached = [file] if question.startswith("What") else []
        by_message, end = shown(conversation, question, home, words, *attached)
        (picture,) = by_message[1]
        assert end.text == "It is a lawn."
        assert (Image.open(BytesIO(picture.data)).size, picture.mime) == ((1568, 1045), "image/jpeg")
        assert b"secret place" not in picture.data


def test_only_the_newest_pictures_are_shown(bob, conversation, model, home, words, monkeypatch) -> None:
    monkeypatch.setattr(pictures, "MAX_PICTURES", 2)
    for colour in ("red", "green", "blue"):
        file = read(files.attach(bob, f"{colour}.jpg", [garden(colour)]))
        by_message, _ = shown(conversation, "What is this?", home, words, file)
    assert [len(each) for each in by_message if each] == [1, 1]
    assert not by_message[1]


def test_without_sight_a_picture_without_text_is_refused(bob, conversation, model, home, words) -> None:
    seen = read(files.attach(bob, "garden.jpg", [garden()]))
    MeasuredModel.objects.update(measured={})
    with pytest.raises(Refused, match="can’t be read"):
        services.start_run(conversation, "What is this?", attachments=[seen.id])
    assert read(files.attach(bob, "other.jpg", [garden("red")])).error == NO_TEXT_IN_PICTURE


def test_a_model_that_was_changed_for_one_without_sight_is_told(bob, conversation, model, home, words) -> None:
    shown(conversation, "What is this?", home, words, read(files.attach(bob, "garden.jpg", [garden()])))
    by_message, _ = shown(conversation, "And now?", home, words, ability=CAPABLE)
    assert not any(by_message)


def test_what_a_strict_gpt_says_of_a_picture_is_not_withheld_but_marked(
    bob, alice, gpt, conversation, model, home, words
) -> None:
    manual = read(files.attach(bob, "manual.md", [b"# Pump\n\nThe filter part number is ZP-771.\n"]))
    photo = read(files.attach(bob, "garden.jpg", [garden()]))
    version = conversation.version
    version.data |= {"only_from_knowledge": True}
    version.save()
    _, end = shown(conversation, "What is this?", home, words, manual, photo)
    assert end.text == "It is a lawn."
    assert [each.level for each in end.support] == ["unsupported"]
