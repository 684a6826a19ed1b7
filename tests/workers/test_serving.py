"""`manage.py servemodel` becomes vLLM, and only where ENGINE says so."""

import pytest
from django.core.management import CommandError, call_command

from workers.configuration import engine_config
from workers.management.commands import servemodel

pytestmark = pytest.mark.django_db


def test_the_process_becomes_vllm_with_the_key_that_workers_use(settings, tmp_path, monkeypatch, capsys):
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    settings.ENGINE, settings.BASE_MODEL, settings.ENGINE_PROGRAM = "vllm", str(tmp_path), "/opt/vllm"
    settings.ENGINE_PORT, settings.ENGINE_ARGS = 8123, ["--dtype", "bfloat16"]
    became = []
    monkeypatch.setattr(servemodel.os, "execvpe", lambda *given: became.append(given))
    call_command("servemodel")
    ((program, command, variables),) = became
    assert (program, command[2], command[-2:]) == ("/opt/vllm", str(tmp_path), ["--dtype", "bfloat16"])
    config = engine_config()
    assert config.remote_url == "http://127.0.0.1:8123"
    assert variables["VLLM_API_KEY"] == config.remote_key
    assert len(config.remote_key) == 64
    assert config.remote_key not in capsys.readouterr().out
    settings.SECRET_KEY = "of another site"
    assert engine_config().remote_key != config.remote_key


def test_with_another_engine_nothing_is_served(settings):
    settings.ENGINE = "hf"
    with pytest.raises(CommandError, match="ENGINE is hf"):
        call_command("servemodel")
