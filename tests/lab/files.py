"""Files of a measurement, read as uploaded ones are."""

from pathlib import Path

from gpts.runs.steps import FileRef
from gpts.safety.findings import Decisions
from workers.knowledge.content import SegmentInfo
from workers.knowledge.embed import Embedder
from workers.knowledge.errors import Quarantined
from workers.knowledge.pipeline import build_segment


def accepted_segment(home: Path, path: Path, embedder: Embedder) -> tuple[SegmentInfo, bool]:
    """The file's segment under `home`, and whether something waited for its owner, who accepts it."""
    try:
        return build_segment(home, path, embedder), False
    except Quarantined as held:
        accepted: Decisions = {each.id: "accept" for each in held.document.findings}
        return build_segment(home, path, embedder, decisions=accepted), True


class TextFiles:
    """Files with given texts, each indexed once under `home`."""

    def __init__(self, home: Path, embedder: Embedder) -> None:
        self._home, self._embedder = home, embedder
        self._refs: dict[tuple[str, str], FileRef] = {}

    def ref(self, name: str, text: str) -> FileRef:
        """The file `name` with this text."""
        if (name, text) not in self._refs:
            path = self._home / Path(name).name
            path.write_text(text, "utf-8")
            segment = build_segment(self._home, path, self._embedder)
            id = f"file-{len(self._refs)}"
            self._refs[name, text] = FileRef(id=id, name=name, segment=segment.address, n_tokens=segment.n_tokens)
        return self._refs[name, text]
