"""What stops a start says so in one sentence that names the way out."""

import os
import shutil
import socket
from pathlib import Path

import pytest

from deploy import preflight, start
from deploy.preflight import CannotStart


def test_a_busy_port_names_another_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(CannotStart, match=rf"Port {port} is in use .* PORT={port + 1} ./deploy/up"):
            preflight.require_free_port(port)


def test_a_free_port_passes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    preflight.require_free_port(port)


@pytest.mark.parametrize("text", ["0", "65536", "-1", "http", "80.5", ""])
def test_a_port_that_is_none_is_named(text: str) -> None:
    with pytest.raises(CannotStart, match="PORT must be a number from 1 to 65535"):
        preflight.read_port(text)


def test_a_home_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match=r"cannot be written .*Set GUILDHALL_HOME"):
        preflight.require_writable_home(tmp_path / "file" / "home")


def test_the_home_is_made_for_its_owner_only(tmp_path: Path) -> None:
    preflight.require_writable_home(tmp_path / "home")
    assert (tmp_path / "home").stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in (tmp_path / "home").iterdir()) == ["log", "run"]


def test_a_home_that_others_can_read_is_closed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    preflight.require_writable_home(home)
    outside = tmp_path / "outside.txt"
    public = [
        outside,
        home / "db.sqlite3",
        home / "log" / "web.log",
        home / "files" / "ab12",
        home / "sandbox" / "a.ttf",
    ]
    for path in public:
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
        path.parent.chmod(0o755)
        path.chmod(0o644)
    (home / "run" / "tool").write_text("x")
    (home / "run" / "tool").chmod(0o755)
    (home / "link").symlink_to(outside)
    assert preflight.make_private(home) == []
    closed = (home, home / "db.sqlite3", home / "log", home / "log" / "web.log", home / "files" / "ab12")
    assert [path.stat().st_mode & 0o777 for path in closed] == [0o700, 0o600, 0o700, 0o600, 0o600]
    assert (home / "run" / "tool").stat().st_mode & 0o777 == 0o700
    assert outside.stat().st_mode & 0o777 == (home / "sandbox" / "a.ttf").stat().st_mode & 0o777 == 0o644


def test_what_belongs_to_others_in_the_home_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    (tmp_path / "db.sqlite3").write_text("x")
    monkeypatch.setattr(os, "geteuid", lambda: 4321)
    before = os.umask(0o022)
    try:
        start.close_home(tmp_path)
        assert os.umask(0o022) == 0o077, "what is written from now on is private too"
    finally:
        os.umask(before)
    assert f"2 files in {tmp_path} belong to other users, such as {tmp_path}" in capsys.readouterr().err


def test_a_full_disk_says_how_much_is_needed_and_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=300_000_000))
    with pytest.raises(
        CannotStart, match=r"The installation needs 8\.0 GB of free disk space in .*; 0\.3 GB are left"
    ):
        preflight.require_disk_space(tmp_path, preflight.INSTALL_BYTES, "The installation")


def test_a_second_start_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    preflight.require_writable_home(tmp_path)
    first = preflight.take_lock(tmp_path, 8000)
    with pytest.raises(CannotStart, match=rf"already running .*\(process {os.getpid()}, port 8000\)"):
        preflight.take_lock(tmp_path, 8001)
    os.close(first)
    os.close(preflight.take_lock(tmp_path, 8001))


def test_the_socket_of_a_deep_home_lies_in_a_private_short_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert preflight.valkey_socket(Path("/srv/guildhall")) == Path("/srv/guildhall/run/valkey.sock")
    path = preflight.valkey_socket(Path("/srv") / ("deep/" * 30))
    assert path.parent.parent == tmp_path
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_short_directory_that_is_a_link_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    deep = Path("/srv") / ("deep/" * 30)
    directory = preflight.valkey_socket(deep).parent
    directory.rmdir()
    directory.symlink_to(tmp_path)
    with pytest.raises(CannotStart, match="belongs to someone else"):
        preflight.valkey_socket(deep)
