"""`deploy/check`: installs what the checks need, runs all of them, and prints failures and times.

State lives in a directory made for the run and then removed: nothing touches the developer's `var/`.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.commands import ProgressPrinter, Runner
from deploy.install import ENVIRONMENT, PYTHON, REPOSITORY, install
from deploy.preflight import CannotStart

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# Clients and what they need weigh hundreds of megabytes: kept between runs, outside of the checks' environment.
CLIENTS = REPOSITORY / "var/clients"
# Two at once, each with processes of its own, that a file's tests share.
BY_FILE = ("-n", "2", "--dist", "loadfile")
# Files with few tests take longest there, and would come last.
AS_COLLECTED = "--no-loadscope-reorder"
NO_TESTS_COLLECTED = 5  # pytest's exit code; https://docs.pytest.org/en/stable/reference/exit-codes.html


@dataclass(frozen=True)
class Check:
    """One check: its name in the summary and its command."""

    name: str
    argv: tuple[str, ...]


@dataclass(frozen=True)
class CheckResult:
    """The result of a part: "passed", "failed" or "skipped", with the reason for a skip and the seconds it took."""

    name: str
    verdict: str
    seconds: float = 0.0
    reason: str = ""


def main() -> int:
    """Runs all parts. Returns 0 when none failed."""
    parser = argparse.ArgumentParser("deploy/check", description="Runs all checks and tests.")
    parser.add_argument("--fast", action="store_true", help="skip tests with the model, processes or a browser")
    parser.add_argument("--clients", action="store_true", help="only install other people's clients and try them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="guildhall-check-") as home:
        try:
            return check_clients(Path(home)) if options.clients else check(Path(home), options.fast)
        except CannotStart as problem:
            print(problem, file=sys.stderr)
            return 1


def check(home: Path, fast: bool) -> int:
    """Runs the parts with `home` as the state directory. Returns 0 when none failed."""
    variables = environment(home, os.environ)
    install("workers,local,dev", ProgressPrinter(), Runner(REPOSITORY, home / "install.log", variables))
    outcomes = [run(part, variables) for part in quick_parts()]
    if not fast:
        outcomes += [run(part, variables) for part in real_parts()]
        outcomes.append(browser_tests(variables))
        outcomes.append(
            CheckResult("client tests", "skipped", reason="some minutes, and downloads: ./deploy/check --clients")
        )
    return summarize(outcomes)


def check_clients(home: Path) -> int:
    """Installs other people's clients apart from everything else, and tries them on a site. Returns 0 if all pass."""
    variables = {**environment(home, os.environ), "GUILDHALL_CLIENTS": str(CLIENTS)}
    install("workers,local,dev", ProgressPrinter(), Runner(REPOSITORY, home / "install.log", variables))
    return summarize([run(part, variables) for part in client_parts()])


def client_parts() -> list[Check]:
    """The installation of the clients, each folder's in an environment of its own, and their tests."""
    parts = []
    for wanted in sorted((REPOSITORY / "tests/clients").glob("*/requirements.txt")):
        own = CLIENTS / wanted.parent.name
        parts.append(Check(f"{own.name} environment", python("-m", "venv", str(own))))
        parts.append(Check(own.name, (str(own / "bin/pip"), "install", "--quiet", "--requirement", str(wanted))))
    if shutil.which("npm"):
        node = CLIENTS / "node"
        node.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / "tests/clients/node/package.json", node)
        parts.append(Check("node", ("npm", "install", "--no-audit", "--no-fund", "--prefix", str(node))))
    return [*parts, Check("client tests", pytest("clients"))]


def environment(home: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of the checks, without the settings of the developer's own site."""
    own = {"DATABASE_URL", "REDIS_URL", "SITE_URL", "PORT", "ENGINE", "BASE_MODEL", "EMBEDDER", "SECRET_KEY"}
    kept = {name: value for name, value in variables.items() if name not in {*own, "PYTHONDONTWRITEBYTECODE"}}
    return {**kept, "GUILDHALL_HOME": str(home), "PATH": f"{ENVIRONMENT / 'bin'}:{variables.get('PATH', os.defpath)}"}


def quick_parts() -> list[Check]:
    """The checks without a model, worker processes or a browser."""
    imports = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return [
        Check("format", python("-m", "ruff", "format", "--check", ".")),
        Check("lint", python("-m", "ruff", "check", ".")),
        Check(
            "types",
            python("-m", "mypy", "--num-workers", "2", "gpts", "platform/web", "workers", "deploy", "tests/lab"),
        ),
        Check("imports", python("-c", imports)),
        Check("site", python("manage.py", "check")),
        Check("migrations", python("manage.py", "makemigrations", "--check", "--dry-run")),
        Check("tests", pytest("not model and not process and not browser", "-n", "2", "--dist", "worksteal")),
    ]


def real_parts() -> list[Check]:
    """The checks on the real bundled model and on real processes. The model is converted once for all of them."""
    return [
        Check("model prepared", python("manage.py", "preparemodels")),
        Check("model tests", pytest("model and not process and not browser")),
        Check("process tests", pytest("process and not browser and not clients", *BY_FILE, AS_COLLECTED)),
    ]


def browser_tests(variables: Mapping[str, str]) -> CheckResult:
    """The outcome of the browser tests; skipped if there is no Chromium and none can be installed."""
    if missing := install_chromium(variables):
        return CheckResult("browser tests", "skipped", reason=missing)
    return run(Check("browser tests", pytest("browser", *BY_FILE, "tests/browser")), variables)


def install_chromium(variables: Mapping[str, str]) -> str:
    """Installs Debian's Chromium if there is no browser. Returns why there is still none, or an empty string."""
    if any(shutil.which(name) for name in CHROMIUM) or playwright_has_browser(variables):
        return ""
    apt_get = shutil.which("apt-get")
    if os.geteuid() != 0 or not apt_get:
        return "no Chromium: `apt-get install chromium` or `.venv/bin/playwright install chromium`"
    quiet = {**variables, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (("update",), ("install", "--yes", "--no-install-recommends", "chromium")):
        subprocess.run([apt_get, "--quiet=2", *words], env=quiet, stdin=subprocess.DEVNULL, check=False)
    return "" if shutil.which("chromium") else "Chromium could not be installed with apt-get"


def playwright_has_browser(variables: Mapping[str, str]) -> bool:
    """Whether `playwright install chromium` was run for this user."""
    question = (
        "import os, sys; from playwright.sync_api import sync_playwright as s\n"
        "with s() as p: sys.exit(not os.path.exists(p.chromium.executable_path))"
    )
    return subprocess.run(python("-c", question), env=dict(variables), check=False).returncode == 0


def python(*arguments: str) -> tuple[str, ...]:
    """A command of the environment's Python."""
    return (str(PYTHON), *arguments)


def pytest(marks: str, *options: str) -> tuple[str, ...]:
    """pytest on the tests with these marks. One process where most of the time goes into the model."""
    return python("-m", "pytest", "-p", "no:cacheprovider", "-q", "--durations=5", *options, "-m", marks)


def run(part: Check, variables: Mapping[str, str]) -> CheckResult:
    """Runs the part with our own output streams."""
    print(f"\n== {part.name}", flush=True)
    started = time.monotonic()
    code = subprocess.run(
        part.argv, cwd=REPOSITORY, env=dict(variables), stdin=subprocess.DEVNULL, check=False
    ).returncode
    seconds = time.monotonic() - started
    if code == NO_TESTS_COLLECTED and "pytest" in part.argv:
        return CheckResult(part.name, "skipped", seconds, "no such tests")
    return CheckResult(part.name, "failed" if code else "passed", seconds)


def summarize(outcomes: list[CheckResult]) -> int:
    """Prints one line per part and the totals. Returns 1 when a part failed."""
    print("\n== summary")
    for outcome in outcomes:
        print(f"  {outcome.name:.<20} {outcome.verdict} {outcome.seconds:7.1f} s  {outcome.reason}".rstrip())
    count = {verdict: sum(o.verdict == verdict for o in outcomes) for verdict in ("passed", "failed", "skipped")}
    print(f"checks: {count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped", flush=True)
    return 1 if count["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
