"""ENGINE=vllm: the command that becomes vLLM, what it knows of the site, and the engine that waits for its model."""

import json

import pytest

from gpts.runs.messages import PromptMessage
from workers.engine import vllm
from workers.engine.base import BUNDLED, EngineConfig, GenerationRequest, ModelLoading
from workers.engine.vllm import VllmEngine, serve_command, serve_environment
from workers.models.stored import RECORD

from .conftest import ModelServer

KEY = "k" * 64
URL = "http://127.0.0.1:8001"


@pytest.fixture
def folder(tmp_path):
    """A model directory as it is downloaded, from the given repository."""

    def make(repo: str):
        made = tmp_path / "models" / "hub" / repo.replace("/", "--")
        made.mkdir(parents=True)
        for name in ("config.json", "model.safetensors", "tokenizer.json"):
            (made / name).write_text("{}")
        manifest = {"source": {"repo": repo}, "commit": "c", "licence": "MIT", "files": []}
        (made / RECORD).write_text(json.dumps(manifest))
        return made

    return make


def option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1] if name in command else ""


@pytest.mark.parametrize(
    ("repo", "tools", "reasoning"),
    [
        ("Qwen/Qwen3-8B", "hermes", "qwen3"),
        ("microsoft/Phi-4-mini-instruct", "phi4_mini_json", ""),
        ("openai/gpt-oss-20b", "openai", "openai_gptoss"),
        ("acme/unknown", "hermes", ""),
    ],
)
def test_calls_and_reasoning_are_read_as_the_catalogue_says(folder, tmp_path, repo, tools, reasoning):
    config = EngineConfig("vllm", str(folder(repo)), tmp_path, remote_url=URL, remote_key=KEY)
    command = serve_command("/opt/vllm", config, ["--dtype", "bfloat16"])
    assert command[:3] == ["/opt/vllm", "serve", config.base_model]
    assert (option(command, "--tool-call-parser"), option(command, "--reasoning-parser")) == (tools, reasoning)
    assert (option(command, "--host"), option(command, "--port")) == ("127.0.0.1", "8001")
    assert command[-2:] == ["--dtype", "bfloat16"]
    assert KEY not in command  # every user of the machine sees commands


def test_a_model_too_large_for_one_gpu_is_spread_by_vllm(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("workers.engine.gpus.free_memory", lambda: [1_500_000_001, 1_500_000_001])
    config = EngineConfig("vllm", str(folder("acme/unknown")), tmp_path, remote_url=URL)
    assert option(serve_command("vllm", config), "--tensor-parallel-size") == "2"  # two bytes of weights
    monkeypatch.setattr("workers.engine.gpus.free_memory", lambda: [1_500_000_002, 1_500_000_002])
    assert option(serve_command("vllm", config), "--tensor-parallel-size") == ""


def test_vllm_gets_its_key_and_no_other_secret():
    variables = {
        "PATH": "/bin",
        "VLLM_CPU_KVCACHE_SPACE": "2",
        "SECRET_KEY": "s",
        "DATABASE_URL": "d",
        "HF_TOKEN": "t",
    }
    given = serve_environment(EngineConfig(remote_key=KEY), variables)
    assert given["VLLM_API_KEY"] == KEY
    assert {"PATH", "VLLM_CPU_KVCACHE_SPACE", "HF_HUB_OFFLINE"} < set(given)
    assert not {"SECRET_KEY", "DATABASE_URL", "HF_TOKEN"} & set(given)


def test_the_engine_opens_once_the_model_is_loaded(model_server: ModelServer, monkeypatch):
    monkeypatch.setattr(vllm, "LOOK_S", 0.01)
    model_server.unready = 2
    engine = VllmEngine(EngineConfig("vllm", BUNDLED, remote_url=model_server.url, remote_key=KEY))
    assert model_server.unready == 0
    assert (engine.health().ready, engine.health().model) == (True, "bundled")
    model_server.unready = 1
    with pytest.raises(ModelLoading, match="still loading"):
        engine.stream(GenerationRequest((PromptMessage(role="user", content="Hello"),)))
    engine.close()


def test_a_model_that_never_loads_is_an_error(monkeypatch):
    monkeypatch.setattr(vllm, "LOAD_S", 0.0)
    with pytest.raises(vllm.EngineError, match="has not loaded the model"):
        VllmEngine(EngineConfig("vllm", "/models/acme", remote_url="http://127.0.0.1:9"))
