"""The commands that a start runs, in sequence or in parallel, and the progress lines printed for people."""

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.preflight import CannotStart

TAIL_LINES = 15


@dataclass(frozen=True)
class Command:
    """A program that must succeed, and the message for when it does not."""

    argv: tuple[str, ...]
    failure: str


class ProgressPrinter:
    """Prints each step with the seconds it took."""

    def __init__(self) -> None:
        self.started = time.monotonic()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Prints `title`, then the time that the block took."""
        print(f"  {title:.<66}", end="", flush=True)
        started = time.monotonic()
        try:
            yield
        except BaseException:
            print(flush=True)
            raise
        print(f"{time.monotonic() - started:7.1f} s", flush=True)


class Runner:
    """Runs commands with their output in one log file."""

    def __init__(self, directory: Path, log: Path, environment: Mapping[str, str]) -> None:
        self.directory, self.log, self.environment = directory, log, dict(environment)
        self._running: list[subprocess.Popen[bytes]] = []
        self._stopped = False

    def side_by_side(self, *sequences: Sequence[Command]) -> None:
        """Runs the sequences in parallel, each in its order. Raises CannotStart for the first failure."""
        with ThreadPoolExecutor(len(sequences)) as pool:
            futures = [pool.submit(self._in_order, sequence) for sequence in sequences]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                self._stop()
                raise

    def output(self, command: Command) -> str:
        """The command's output, stripped."""
        result = subprocess.run(
            command.argv, cwd=self.directory, env=self.environment, capture_output=True, text=True, check=False
        )
        if result.returncode != 0:
            raise CannotStart(f"{command.failure}\n{last_lines(result.stderr)}")
        return result.stdout.strip()

    def _in_order(self, sequence: Sequence[Command]) -> None:
        for command in sequence:
            if not self._stopped:
                self._run(command)

    def _stop(self) -> None:
        self._stopped = True
        for process in self._running:
            if process.poll() is None:
                process.terminate()

    def _run(self, command: Command) -> None:
        with self.log.open("ab") as log:
            begin = log.tell()
            process = subprocess.Popen(
                command.argv,
                cwd=self.directory,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._running.append(process)
        if process.wait() != 0 and not self._stopped:
            said = self.log.read_bytes()[begin:].decode(errors="replace")
            raise CannotStart(f"{command.failure} The last lines of {self.log}:\n{last_lines(said)}")


def last_lines(text: str) -> str:
    """The end of a log, indented."""
    return "\n".join(f"    {line}" for line in text.rstrip().splitlines()[-TAIL_LINES:])
