"""`deploy/up` as an operator meets it when something is in the way: a sentence, exit code 1, no traceback."""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from deploy import install, preflight, start
from deploy.commands import Command, Runner
from deploy.preflight import CannotStart


def up(**settings: str) -> subprocess.CompletedProcess[str]:
    variables = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **settings}
    return subprocess.run(
        [install.REPOSITORY / "deploy" / "up"], env=variables, capture_output=True, text=True, timeout=30, check=False
    )


def assert_one_sentence(result: subprocess.CompletedProcess[str], words: str) -> None:
    assert result.returncode == 1
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_up_lists_its_most_used_variables_all_of_which_exist() -> None:
    command = [install.REPOSITORY / "deploy" / "up"]
    shown = subprocess.run([*command, "--help"], capture_output=True, text=True, timeout=30, check=True).stdout
    described = (install.REPOSITORY / "deploy" / "env.example").read_text()
    named = re.findall(r"\b([A-Z]+_?[A-Z]+)=", shown.partition("\n")[2])
    assert {"PORT", "SITE_URL", "BASE_MODEL", "EMBEDDER"} <= set(named)
    assert [name for name in named if f"#{name}=" not in described] == []
    refused = subprocess.run([*command, "--port=9"], capture_output=True, text=True, timeout=30, check=False)
    assert (refused.returncode, "no options but --help" in refused.stderr) == (2, True)


def test_up_says_that_the_port_is_busy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        assert_one_sentence(up(GUILDHALL_HOME=str(tmp_path), PORT=port), f"Port {port} is in use by another program.")


def test_up_says_that_the_home_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert_one_sentence(up(GUILDHALL_HOME=str(tmp_path / "file")), "cannot be written")


def test_up_says_that_it_is_already_running(tmp_path: Path) -> None:
    preflight.require_writable_home(tmp_path)
    lock = preflight.take_lock(tmp_path, 8000)
    assert_one_sentence(up(GUILDHALL_HOME=str(tmp_path)), "Guildhall is already running")
    os.close(lock)


def test_up_says_which_python_it_needs(tmp_path: Path) -> None:
    for program in ("bash", "env", "dirname"):
        path = shutil.which(program)
        assert path
        (tmp_path / program).symlink_to(path)
    assert_one_sentence(up(PATH=str(tmp_path)), "Guildhall needs Python 3.11 or newer")


def test_a_relative_home_is_meant_from_where_the_operator_stands(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = subprocess.run(
        [install.REPOSITORY / "deploy" / "up"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "GUILDHALL_HOME": "file"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert_one_sentence(result, f"The state directory {tmp_path}/file cannot be written")


def test_a_failed_command_is_a_sentence_with_the_end_of_its_output(tmp_path: Path) -> None:
    runner = Runner(tmp_path, tmp_path / "log", os.environ)
    failing = Command(("/bin/sh", "-c", "echo no route to host >&2; exit 1"), "The packages could not be installed.")
    never = Command(("/bin/sh", "-c", "touch never"), "")
    with pytest.raises(CannotStart, match=r"(?s)The packages could not be installed\..*no route to host"):
        runner.side_by_side([failing, never])
    assert not (tmp_path / "never").exists()


def test_an_own_broker_leaves_the_embedded_one_out(tmp_path: Path) -> None:
    site = start.Site(tmp_path, 8000)
    own = start.environment(site, {"REDIS_URL": "redis://127.0.0.1:6379/0"})
    assert own["REDIS_URL"] == "redis://127.0.0.1:6379/0"
    assert start.supervised(site, own)["GUILDHALL_EMBEDDED_VALKEY"] == "false"
    embedded = start.environment(site, {})
    assert start.supervised(site, embedded)["GUILDHALL_EMBEDDED_VALKEY"] == "true"


@pytest.mark.parametrize(
    ("variables", "extras"),
    [
        ({}, "workers,local"),
        ({"EMBEDDER": "multilingual"}, "workers,local,multilingual"),
        ({"VOICE_MODEL": "small"}, "workers,local,voice"),
        ({"VOICE_SPEAKER": "bundled", "VOICE_MODEL": ""}, "workers,local,voice"),
    ],
)
def test_what_the_settings_need_is_installed(variables: dict[str, str], extras: str) -> None:
    assert start.extras_for(variables) == extras
