"""A conversation's files, a stand-in images endpoint, and a tiny diffusion model with random weights."""

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from gpts.runs.steps import FileRef
from gpts.spec.builtin_tools import BUILTIN_TOOLS
from gpts.spec.gpt import GptSpec
from workers.tools import InputFile, Tool, ToolContext
from workers.tools.builtin import tool_of
from workers.tools.settings import ImageSettings, ToolSettings


def drawing_with(**images: Any) -> ToolSettings:
    return ToolSettings(images=ImageSettings(**images))


def tool_with(**images: Any) -> Tool:
    """The tool, with these settings of what draws."""
    return tool_of(BUILTIN_TOOLS["make_image"], drawing_with(**images))


def png(size: tuple[int, int] = (64, 64), **text: str) -> bytes:
    """A red picture, with `text` in its metadata."""
    data, info = BytesIO(), PngImagePlugin.PngInfo()
    for name, value in text.items():
        info.add_text(name, value)
    Image.new("RGB", size, "red").save(data, "PNG", pnginfo=info)
    return data.getvalue()


@dataclass
class Kept:
    """What a call kept and told."""

    folder: Path
    files: dict[str, bytes] = field(default_factory=dict)
    progress: list[str] = field(default_factory=list)

    def keep(self, name: str, mime: str, data: bytes) -> FileRef:
        self.files[name] = data
        (self.folder / name).write_bytes(data)
        return FileRef(id=name, name=name, mime=mime, size=len(data))

    def context(self, **changes: Any) -> ToolContext:
        """What a call is given; earlier pictures are among its files."""
        files = tuple(InputFile(name, self.folder / name, untrusted=False) for name in self.files)
        facts = {
            "call_id": "c1",
            "session": "s1",
            "user_id": 1,
            "spec": GptSpec(slug="painter", name="Painter"),
            "deadline_s": 60.0,
        }
        return ToolContext(
            **{**facts, "files": files, "keep": self.keep, "progress": self.progress.append, **changes}
        )


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


class Endpoint:
    """An OpenAI-compatible images endpoint. `answers` are (status, body) in turn, the last one for ever."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[tuple[int, Any]] = [(200, {"data": [{"b64_json": base64.b64encode(png()).decode()}]})]
        self.pictures: dict[str, bytes] = {}
        self.holds = threading.Event()
        self.holds.set()
        self.broken = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def bodies(self) -> list[dict[str, Any]]:
        """The JSON bodies that came."""
        return [json.loads(body) for _, _, body in self.requests]

    def close(self) -> None:
        self.holds.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(endpoint) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                endpoint.requests.append((self.path, dict(self.headers), body))
                if not endpoint.holds.is_set():
                    self._wait_for_the_caller_to_leave()
                status, answer = endpoint.answers.pop(0) if len(endpoint.answers) > 1 else endpoint.answers[0]
                self._send(status, answer if isinstance(answer, bytes) else json.dumps(answer).encode())

            def _wait_for_the_caller_to_leave(self) -> None:
                self.connection.settimeout(20)
                if self.connection.recv(1) == b"":
                    endpoint.broken.set()

            def do_GET(self) -> None:
                data = endpoint.pictures.get(self.path)
                self._send(200 if data else 404, data or b"")

            def _send(self, status: int, body: bytes) -> None:
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    endpoint.broken.set()

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server = Endpoint()
    yield server
    server.close()


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    """A Stable Diffusion pipeline with random weights that draws 32 x 32 pixels at a latent of 16 x 16."""
    torch = pytest.importorskip("torch")
    diffusers = pytest.importorskip("diffusers")
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny-diffusion")
    unet = diffusers.UNet2DConditionModel(
        block_out_channels=(32, 64),
        layers_per_block=1,
        sample_size=16,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        norm_num_groups=8,
        attention_head_dim=8,
    )
    vae = diffusers.AutoencoderKL(
        block_out_channels=[16, 16, 16, 16],
        norm_num_groups=8,
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
        latent_channels=4,
    )
    config = CLIPTextConfig(
        vocab_size=len(_vocabulary()),
        hidden_size=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=2,
        max_position_embeddings=77,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    pipeline = diffusers.StableDiffusionPipeline(
        vae=vae,
        text_encoder=CLIPTextModel(config),
        tokenizer=_tokenizer(folder),
        unet=unet,
        scheduler=diffusers.DDIMScheduler(clip_sample=False, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        image_encoder=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder / "model")
    return folder / "model"


def _vocabulary() -> dict[str, int]:
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,-"
    tokens = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    return {token: number for number, token in enumerate(tokens)}


def _tokenizer(folder: Path) -> Any:
    from transformers import CLIPTokenizer

    (folder / "vocab.json").write_text(json.dumps(_vocabulary()))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77)
