"""Models that read pictures, through transformers: what they are given, and how replies are written."""

import random
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoProcessor, AutoTokenizer

from gpts.runs.messages import Picture, PromptMessage
from gpts.spec.tools import ToolSpec
from tests.workers.engine.tiny_seeing import KINDS, picture, save_seeing
from workers.engine import seeing
from workers.engine.base import (
    EngineConfig,
    EngineError,
    GenerationRequest,
    Grammar,
    PromptTooLong,
    Sampling,
    served_person,
)
from workers.engine.checked import calls_problem, json_problem
from workers.engine.hf import HfEngine
from workers.engine.local import open_local, sees_pictures
from workers.engine.seeing import SeeingEngine
from workers.engine.viewing import Viewer

COUNT = {
    "type": "object",
    "properties": {"count": {"type": "integer"}, "unit": {"type": "string"}},
    "required": ["count"],
}
SYSTEM = PromptMessage(role="system", content="Be brief.")
TALK = (
    SYSTEM,
    PromptMessage(role="user", content="What is this?", pictures=(picture("red"),)),
    PromptMessage(role="assistant", content="A field."),
    PromptMessage(role="user", content="And these?", pictures=(picture("blue", (90, 130)), picture("green"))),
)


def asked(text: str, *pictures: Picture, **options: Any) -> GenerationRequest:
    return GenerationRequest((SYSTEM, PromptMessage(role="user", content=text, pictures=pictures)), **options)


def reply(engine: Any, request: GenerationRequest) -> str:
    return "".join(token.text for token in engine.stream(request))


def opened(folder: Path, **options: Any) -> SeeingEngine:
    engine = open_local(EngineConfig(base_model=str(folder), device="cpu", context_tokens=4096, **options))
    assert isinstance(engine, SeeingEngine)
    return engine


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: save_seeing(name, tmp_path_factory.mktemp(name)) for name in KINDS}


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def engine(kind: str, folders: dict[str, Path]) -> Iterator[SeeingEngine]:
    engine = opened(folders[kind])
    yield engine
    engine.close()


@pytest.fixture
def qwen(folders: dict[str, Path]) -> Iterator[SeeingEngine]:
    engine = opened(folders["qwen"])
    yield engine
    engine.close()


def transformers_inputs(kind: str, folder: Path, messages: Sequence[PromptMessage]) -> dict[str, torch.Tensor]:
    """What transformers makes of a conversation by itself."""
    images = [Image.open(BytesIO(each.data)) for message in messages for each in message.pictures]
    chat = [
        {
            "role": message.role,
            "content": [{"type": "image"}] * len(message.pictures) + [{"type": "text", "text": message.content}],
        }
        for message in messages
    ]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    if kind != "qwen":
        processor = AutoProcessor.from_pretrained(folder)
        return dict(processor(images=[images], text=[text], add_special_tokens=False, return_tensors="pt"))
    # Its processor cannot be loaded without torchvision.
    seen = AutoImageProcessor.from_pretrained(folder)(images, return_tensors="pt")
    for grid in seen["image_grid_thw"]:
        text = text.replace("<|image_pad|>", "<|seen|>" * (int(grid.prod()) // 4), 1)
    ids = tokenizer(text.replace("<|seen|>", "<|image_pad|>"), return_tensors="pt")["input_ids"]
    kinds = (ids == tokenizer.convert_tokens_to_ids("<|image_pad|>")).int()
    return {**seen, "input_ids": ids, "attention_mask": torch.ones_like(ids), "mm_token_type_ids": kinds}


@torch.inference_mode()
def test_a_model_reads_and_writes_what_transformers_alone_has_it_read_and_write(
    kind: str, engine: SeeingEngine, folders: dict[str, Path]
) -> None:
    expected = transformers_inputs(kind, folders[kind], TALK)
    found = engine.encoder.inputs(TALK, (), engine.encoder.encode(TALK))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(found[name], value), name
    model = AutoModelForImageTextToText.from_pretrained(folders[kind])
    written = model.generate(**expected, do_sample=False, max_new_tokens=40)[0, expected["input_ids"].shape[1] :]
    request = GenerationRequest(TALK, max_tokens=40)
    tokens = list(engine.stream(request))
    assert "".join(each.text for each in tokens) == engine._tokenizer.decode(written)
    assert tokens[-1].usage.prompt_tokens == expected["input_ids"].shape[1] == engine.count_tokens(TALK)


@torch.inference_mode()
def test_other_pictures_give_another_reply(engine: SeeingEngine) -> None:
    noise = random.Random(0)
    pictures = []
    for _ in range(4):
        image, buffer = Image.frombytes("RGB", (56, 56), noise.randbytes(56 * 56 * 3)), BytesIO()
        image.save(buffer, "JPEG")
        pictures.append(Picture(mime="image/jpeg", data=buffer.getvalue()))
    requests = [asked("What is this?", each, max_tokens=24) for each in pictures]
    inputs = [engine.encoder.inputs(each.messages, (), engine.encoder.encode(each.messages)) for each in requests]
    assert len({engine._viewer._model(**each).logits[0, -1, 40].item() for each in inputs}) == 4
    assert len({reply(engine, each) for each in requests}) > 1


def test_whoever_types_a_placeholder_gets_text(engine: SeeingEngine) -> None:
    encoder, noise = engine.encoder, random.Random(1)
    names = [*engine._tokenizer.get_added_vocab(), "<picture>", encoder._cut[:-2], "{{", "'type': 'text'", "é", " "]
    image_ids = set(encoder._processor.image_token_ids)
    n_expected = sum(each in image_ids for each in encoder.encode(asked("", picture("red")).messages))
    assert n_expected > 0
    for _ in range(150):
        text = "".join(noise.choice(names)[: noise.choice([3, 99, 99])] for _ in range(noise.randint(1, 8)))
        messages = asked(text, picture("red")).messages
        spans = encoder.spans(messages)
        typed = [each for span, is_content in spans for each in span if is_content]
        assert encoder.control_ids.isdisjoint(typed)
        ids = encoder.encode(messages)
        assert sum(each in image_ids for each in ids) == n_expected
        assert encoder.inputs(messages, (), ids)["input_ids"].tolist() == [ids]
    placeholders = "".join(name for name in names if "ima" in name)
    assert len(reply(engine, asked(placeholders, picture("red"), max_tokens=8))) == 8


def test_replies_to_pictures_follow_their_grammars(engine: SeeingEngine) -> None:
    tool = ToolSpec(name="stock", description="", parameters=COUNT)
    for sampling in (Sampling(), Sampling(1.5, 0.95, 50)):
        request = asked("How many?", picture("red"), max_tokens=160, sampling=sampling)
        value = reply(engine, GenerationRequest(**_fields(request), grammar=Grammar(json_schema=COUNT)))
        assert json_problem(value, COUNT) == ""
        forced = Grammar(tools=(tool,), required=True)
        called = reply(engine, GenerationRequest(**_fields(request), tools=(tool,), grammar=forced))
        assert calls_problem(called, {"stock": tool}, required=True) == ""


def _fields(request: GenerationRequest) -> dict[str, Any]:
    return {name: getattr(request, name) for name in ("messages", "max_tokens", "sampling")}


def test_chats_with_and_without_pictures_say_together_what_they_say_alone(engine: SeeingEngine) -> None:
    requests = [
        asked(f"Question {i}?", *([picture("red", (100 + 40 * i, 100))] * (i % 3)), max_tokens=24) for i in range(12)
    ]
    alone = [reply(engine, each) for each in requests]
    with ThreadPoolExecutor(len(requests)) as pool:
        assert list(pool.map(lambda each: reply(engine, each), requests)) == alone


def test_what_is_wrong_with_one_picture_ends_no_other_reply(qwen: SeeingEngine, monkeypatch) -> None:
    with pytest.raises(EngineError, match="could not read the pictures"):
        reply(qwen, asked("?", Picture(mime="image/jpeg", data=b"none")))
    expected = reply(qwen, asked("?", picture("red"), max_tokens=8))
    with monkeypatch.context() as patched:
        patched.setattr(qwen._viewer._model.lm_head, "forward", lambda *args, **options: 1 / 0)
        with pytest.raises(EngineError, match="The model failed: division by zero"):
            reply(qwen, asked("?", picture("red")))
    assert qwen.health().ready
    assert reply(qwen, asked("?", picture("red"), max_tokens=8)) == expected


def test_pictures_count_for_the_context(folders: dict[str, Path]) -> None:
    engine = opened(folders["qwen"], cache_tokens=4096)
    engine._ability = engine.ability().model_copy(update={"context_tokens": 150})
    short = asked("What is this?", picture("red"), max_tokens=40)
    many = asked("What is this?", picture("red"), picture("blue"), picture("green"), max_tokens=40)
    assert reply(engine, short)
    with pytest.raises(PromptTooLong):
        engine.stream(many)
    with pytest.raises(PromptTooLong):  # as many tokens, but none of them of pictures
        engine.stream(asked("x" * engine.count_tokens(many.messages), max_tokens=40))
    engine.close()


def test_a_closed_engine_ends_the_replies_that_wait_and_that_are_written(qwen: SeeingEngine) -> None:
    writing, waiting = (qwen.stream(asked("?", picture("red"), max_tokens=3000)) for _ in range(2))
    next(writing)
    closing = threading.Timer(0.3, qwen.close)
    closing.start()
    for stream in (writing, waiting):
        with pytest.raises(EngineError, match="closed"):
            list(stream)
    closing.join()
    assert not qwen.health().ready
    assert not qwen._viewer._thread.is_alive()
    with pytest.raises(EngineError, match="closed"):
        reply(qwen, asked("?", picture("red")))


def test_people_take_turns() -> None:
    written, begun = [], threading.Event()

    class Model(torch.nn.Module):
        device, dtype = torch.device("cpu"), torch.float32

        def generate(self, input_ids: torch.Tensor, **options: Any) -> None:
            assert begun.wait(10)
            written.append(int(input_ids[0, 0]))

    viewer = Viewer(Model(), frozenset({0}))
    running = []
    for place, person in enumerate([1, 1, 1, 2, 2, 3]):
        served_person.set(person)
        running.append(viewer.begin([place], 5, Sampling(), None))
    served_person.set(0)
    running[4].cancel()
    begun.set()
    assert all(each.read(10).ended for each in running if not each.is_cancelled)
    viewer.stop()
    assert written == [0, 3, 5, 1, 2]


def test_text_is_answered_one_by_one_where_it_cannot_be_batched(folders: dict[str, Path], monkeypatch) -> None:
    engine = opened(folders["smolvlm"])
    expected = reply(engine, asked("Hello", max_tokens=20))
    engine.close()

    def refuse(*args: Any, **options: Any) -> None:
        raise EngineError("not this one")

    monkeypatch.setattr(seeing, "StockBatch", refuse)
    engine = opened(folders["smolvlm"])
    assert reply(engine, asked("Hello", max_tokens=20)) == expected
    assert engine.health().ready
    engine.close()


def test_a_model_sees_once_that_was_measured(qwen: SeeingEngine) -> None:
    assert qwen.takes_pictures
    assert not qwen.ability().sees_images
    qwen.learn({"sees_images": True})
    assert qwen.ability().sees_images


def test_a_directory_without_the_files_of_a_processor_is_refused_or_reads_text_only(tmp_path: Path) -> None:
    for name in ("qwen", "gemma"):
        folder = save_seeing(name, tmp_path / name)
        for file in seeing.FILES:
            (folder / file).unlink()
    with pytest.raises(EngineError, match=r"has neither processor_config\.json nor preprocessor_config\.json"):
        opened(tmp_path / "qwen")
    assert not sees_pictures(SimpleNamespace(base_model=str(tmp_path / "gemma"), home=tmp_path))
    engine = open_local(EngineConfig(base_model=str(tmp_path / "gemma"), device="cpu"))
    assert type(engine) is HfEngine
    assert not engine.takes_pictures
    assert len(reply(engine, asked("Hello", picture("red"), max_tokens=8))) == 8
    engine.close()


PRINTS_PARTS = "{% for m in messages %}{{ m.content }}\n{% endfor %}"
KNOWS_TEXT_ONLY = "{% for m in messages %}{% for c in m.content %}{{ c.text }}\n{% endfor %}{% endfor %}"


@pytest.mark.parametrize(
    ("kind", "file", "content", "message"),
    [
        ("smolvlm", "preprocessor_config.json", "[", "could not be loaded"),
        ("smolvlm", "chat_template.jinja", PRINTS_PARTS, "does not accept messages"),
        ("smolvlm", "chat_template.jinja", KNOWS_TEXT_ONLY, "could not read the pictures"),
        ("qwen", "chat_template.jinja", KNOWS_TEXT_ONLY, "could not read the pictures"),
    ],
)
def test_a_directory_with_unsuitable_files_is_refused(
    kind: str, file: str, content: str, message: str, tmp_path: Path
) -> None:
    folder = save_seeing(kind, tmp_path)
    (folder / file).write_text(content)
    with pytest.raises(EngineError, match=message):
        opened(folder)
