"""The ways to confine a kernel, strongest first. BACKENDS is the only registry: one line for each."""

from typing import Final, Protocol

from workers.sandbox.backends.bubblewrap import Bubblewrap
from workers.sandbox.backends.container import Container
from workers.sandbox.backends.landlock import Landlock
from workers.sandbox.running import Running, SessionPlace
from workers.sandbox.settings import Settings


class Backend(Protocol):
    """Starts kernels. `own_user` says whether each session's code runs as a user of its own."""

    own_user: bool

    def __init__(self, settings: Settings) -> None: ...

    def unavailable(self) -> str:
        """Why it cannot work here, in a sentence for the operator; empty if it may."""
        ...

    def start(self, place: SessionPlace) -> Running:
        """A kernel with these folders. Raises OSError."""
        ...


BACKENDS: Final[dict[str, type[Backend]]] = {
    "bubblewrap": Bubblewrap,
    "landlock": Landlock,
    "container": Container,
}
