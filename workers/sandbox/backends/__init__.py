"""The ways to confine a kernel, strongest first. Each is one line in BACKENDS."""

from typing import Final, Protocol

from workers.sandbox.backends.bubblewrap import Bubblewrap
from workers.sandbox.backends.container import Container
from workers.sandbox.backends.landlock import Landlock
from workers.sandbox.running import Running, SessionPlace
from workers.sandbox.settings import SandboxSettings


class Backend(Protocol):
    """Starts kernels. `own_user`: whether each session's code runs as a separate user."""

    own_user: bool

    def __init__(self, settings: SandboxSettings) -> None: ...

    def unavailable(self) -> str:
        """Why it cannot work here, in a sentence for the operator; "" if it may."""

    def start(self, place: SessionPlace) -> Running:
        """A kernel with these folders. Raises OSError."""


BACKENDS: Final[dict[str, type[Backend]]] = {
    "bubblewrap": Bubblewrap,
    "landlock": Landlock,
    "container": Container,
}
