"""The virtual environment `.venv`: made once, filled with pinned packages and the bundled models.

Every package is pinned by the hashes of its files (deploy/requirements*.txt): uv checks them and resolves nothing. It
installs in a fifth of pip's time, from where pip is configured to fetch on this machine.
A stamp in it holds the installed extras and the fingerprint of everything that determines its content, so that later
starts skip the installation. An interrupted installation leaves no stamp and is repeated.
"""

import ast
import hashlib
import importlib.metadata
import re
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.commands import Command, ProgressPrinter, Runner
from deploy.preflight import INSTALL_BYTES, require_disk_space

REPOSITORY = Path(__file__).resolve().parents[1]
ENVIRONMENT = REPOSITORY / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
STAMP = ENVIRONMENT / "guildhall.stamp"
# Besides deploy/requirements.txt, which has the extras workers and local.
EXTRAS = ("install", "torch", "cuda", "images", "multilingual", "voice", "postgres", "gpu", "dev")
MODELS = REPOSITORY / "deploy" / "models.txt"
OFFLINE = "The packages could not be installed: is this machine online?"
# What only confined processes import (workers/isolation), which can write no bytecode.
CONFINED = ("bs4", "chardet", "openpyxl", "soupsieve", "tinycss2", "webencodings")
# pip's settings of where packages are, as `pip config list` prints them, and uv's options for each.
_SETTING = re.compile(r"[\w:]+\.(index-url|extra-index-url|find-links|trusted-host)=(.+)")
_OPTIONS = {
    "index-url": "--default-index",
    "extra-index-url": "--index",
    "find-links": "--find-links",
    "trusted-host": "--allow-insecure-host",
}
_TORCH_WHEELS = ENVIRONMENT / "torch-wheels"


def install(extras: str, progress: ProgressPrinter, runner: Runner) -> None:
    """Installs Guildhall with the extras (such as "workers,local") and the bundled models in `.venv`, if needed."""
    if works(PYTHON) and set(extras.split(",")) <= installed_extras():
        return
    if not works(PYTHON):
        require_disk_space(REPOSITORY, INSTALL_BYTES, "The installation")
        with progress.step(f"Creating .venv with Python {sys.version_info.major}.{sys.version_info.minor}"):
            runner.side_by_side([_make_environment()])
    with progress.step("Installing packages and the bundled models (once)"):
        runner.side_by_side([_install_uv()])
        settings = runner.output(_pip("config", "list", failure="pip's configuration is not valid."))
        source = package_source(settings)
        runner.environment.update(certificates(settings))
        runner.side_by_side([_install_packages(extras, source), _install_guildhall()], [_fetch_torch()])
        runner.side_by_side([_install_torch(source)])
        runner.side_by_side(_install_cuda(source))
        shutil.rmtree(_TORCH_WHEELS)
    every = installed_extras() | set(extras.split(","))
    STAMP.write_text(f"{fingerprint()}\n{','.join(sorted(every))}\n")


def works(python: Path) -> bool:
    """Whether the environment's interpreter exists and starts (it does not after its base was removed)."""
    return (
        python.exists()
        and subprocess.run([python, "-c", "import pip"], check=False, capture_output=True).returncode == 0
    )


def installed_extras() -> set[str]:
    """The extras in `.venv` at the current pins; empty after a pin changed or an installation was interrupted."""
    if not STAMP.is_file():
        return set()
    stamped, extras = STAMP.read_text().split()
    return set(extras.split(",")) if stamped == fingerprint() else set()


def fingerprint() -> str:
    """A digest of what determines the content of `.venv`: the pins, the models, the interpreter and the paths."""
    digest = hashlib.sha256(str(REPOSITORY).encode())
    pins = [requirements_file(extra) for extra in ("", *EXTRAS)]
    for path in (REPOSITORY / "pyproject.toml", *pins, MODELS, ENVIRONMENT / "pyvenv.cfg"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _make_environment() -> Command:
    argv = (sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT))
    return Command(argv, f"The virtual environment {ENVIRONMENT} could not be created.")


def _pip(*arguments: str, failure: str) -> Command:
    options = ("--disable-pip-version-check", "--no-input", "--retries", "3")
    return Command((str(PYTHON), "-m", "pip", *arguments, *options), failure)


def requirements_file(extra: str) -> Path:
    """The pins of an extra that are not in deploy/requirements.txt; that file for an empty one."""
    return REPOSITORY / "deploy" / (f"requirements-{extra}.txt" if extra else "requirements.txt")


def _install_uv() -> Command:
    options = ("install", "--no-deps", "--require-hashes", "--only-binary", ":all:")
    return _pip(*options, "--requirement", str(requirements_file("install")), failure=OFFLINE)


def package_source(pip_settings: str) -> tuple[str, ...]:
    """uv's options for the indexes, folders and trusted hosts of pip's settings, as `pip config list` prints them."""
    found: dict[str, list[str]] = {}
    for name, value in _SETTING.findall(pip_settings):
        found[name] = ast.literal_eval(value).split()  # what is printed later overrides, as in pip
    return tuple(word for name, values in found.items() for value in values for word in (_OPTIONS[name], value))


def certificates(pip_settings: str) -> dict[str, str]:
    """The variable by which uv trusts the authorities of pip's setting `cert`, a file or a folder; {} without it."""
    paths = [ast.literal_eval(value) for value in re.findall(r"[\w:]+\.cert=(.+)", pip_settings)]
    return {"SSL_CERT_DIR" if Path(path).is_dir() else "SSL_CERT_FILE": path for path in paths[-1:]}


def _uv(*arguments: str, failure: str = OFFLINE) -> Command:
    options = ("--python", str(PYTHON), "--no-deps", "--system-certs", "--index-strategy", "unsafe-best-match")
    return Command((str(PYTHON), "-m", "uv", "pip", "install", *options, *arguments), failure)


def _install_pins(source: tuple[str, ...], *files: Path) -> Command:
    named = [word for file in files for word in ("--requirement", str(file))]
    return _uv("--require-hashes", "--only-binary", ":all:", *source, *named)


def _install_packages(extras: str, source: tuple[str, ...]) -> Command:
    """Installs the packages and the bundled models."""
    chosen = ("", *(extra for extra in extras.split(",") if extra in EXTRAS))
    return _install_pins(source, *map(requirements_file, chosen), MODELS)


def _fetch_torch() -> Command:
    """Fetches the build that this machine's indexes prefer, such as one for the CPU; its hash is checked later."""
    requirement = next(line.split()[0] for line in requirements_file("torch").open() if line.startswith("torch=="))
    return _pip("download", "--no-deps", "--dest", str(_TORCH_WHEELS), requirement, failure=OFFLINE)


def _install_torch(source: tuple[str, ...]) -> Command:
    """Installs the fetched build if deploy/requirements-torch.txt has its hash, else PyPI's."""
    pins = requirements_file("torch")
    for wheel in _TORCH_WHEELS.glob("*.whl"):
        with wheel.open("rb") as content:
            if hashlib.file_digest(content, "sha256").hexdigest() in pins.read_text():
                return _uv("--offline", str(wheel))
    return _install_pins(source, pins)


def _install_cuda(source: tuple[str, ...]) -> list[Command]:
    """Nothing if the build of torch is one for the CPU, which needs none of these libraries."""
    installed = importlib.metadata.distributions(name="torch", path=[str(_site_packages())])
    needed = [need for torch in installed for need in torch.requires or ()]
    return [_install_pins(source, requirements_file("cuda"))] if any(n.startswith("nvidia-") for n in needed) else []


def compile_code() -> Command:
    """Writes missing bytecode: else all programs, starting at once, would, and each confined process compile it."""
    ours = [REPOSITORY / name for name in ("gpts", "workers", "platform/web")]
    folders = map(str, (*ours, *(_site_packages() / name for name in CONFINED)))
    return Command((str(PYTHON), "-m", "compileall", "-q", *folders), "The code could not be compiled.")


def _site_packages() -> Path:
    return next(ENVIRONMENT.glob("lib/python*/site-packages"))


def _install_guildhall() -> Command:
    arguments = ("--offline", "--no-build-isolation", "--editable", str(REPOSITORY))
    return _uv(*arguments, failure="Guildhall itself could not be installed.")
