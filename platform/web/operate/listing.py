"""What the models page shows: one row per model of the catalogue, on this machine or being downloaded.

What is known of the machine comes from `workers.model_survey`; the site itself looks at no model.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext, gettext_noop

from gpts.spec.base_models import BUNDLED
from web.builder.files import n_read_again
from web.operate.connecting import only_in_file
from web.operate.models import MeasuredModel, ModelDownload, ModelSurvey
from web.operate.models_connected import ConnectedModel
from web.operate.services import chosen_model, current_model, fixed_model

# In an operator's session: the model whose offer they dismissed.
DISMISSED: Final = "dismissed_model"
ABILITIES: Final = {
    "tools": gettext_noop("Tools"),
    "reasoning": gettext_noop("Reasoning"),
    "vision": gettext_noop("Vision"),
}
_MOVING: Final = ("waiting", "downloading", "changing")


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model, with sizes in bytes; 0 and "" where nothing is known. `page` is its address on the hub.

    `tokens_per_s`: about how many it would write here. `path` is what workers load, once it is there.
    `state`: loaded, changing (chosen, not loaded yet), downloaded, unfinished (on disk, nobody downloads it),
    available, or the status of its download.
    """

    name: str
    title: str
    state: str
    size: int = 0
    parameters: str = ""
    licence: str = ""
    languages: str = ""
    abilities: tuple[str, ...] = ()
    misfit: str = ""
    is_slow: bool = False
    tokens_per_s: float = 0
    page: str = ""
    path: str = ""
    download: ModelDownload | None = None

    @property
    def anchor(self) -> str:
        """The id of its element."""
        return "model-" + re.sub(r"\W+", "-", self.name)

    @property
    def is_looked_up(self) -> bool:
        """Whether it is in no catalogue and nobody wanted it downloaded yet."""
        return self.download is not None and not (self.path or self.parameters or self.download.accepted)

    @property
    def is_starter_in_use(self) -> bool:
        """Whether the row says nothing that the top of the page does not."""
        return self.name == BUNDLED and self.state == "loaded"

    @property
    def is_removable(self) -> bool:
        """Whether the model can leave this machine, or its download the page."""
        return self.name != BUNDLED and self.state not in ("available", "loaded", *_MOVING)

    @property
    def is_on_disk(self) -> bool:
        """Whether there is something to delete."""
        return self.state in ("downloaded", "unfinished") or bool(self.download and self.download.done)


@dataclass(frozen=True, slots=True)
class ModelPage:
    """`record`: the loaded model, called `title`; `loaded` is the name of its row. `best`: the row to
    recommend. `machine`: bytes by kind, if known. `rows`: all models. `n_read_again`: files that are
    yet to be read by the embedder. `connected`: those at servers, `in_file` the titles of those in `engines.toml`.

    `looked_up` are rows of other models before their download, `here` those on this machine or being downloaded,
    `fitting` those of the catalogue that fit it, `larger` the others.
    """

    record: MeasuredModel | None
    title: str
    loaded: str
    trouble: str
    fixed: str
    machine: dict[str, int]
    rows: list[ModelRow]
    best: ModelRow | None
    looked_up: list[ModelRow]
    here: list[ModelRow]
    fitting: list[ModelRow]
    larger: list[ModelRow]
    n_read_again: int
    connected: list[ConnectedModel]
    in_file: list[str]

    @property
    def is_moving(self) -> bool:
        """Whether the page should be updated every second."""
        return any(row.check_state for row in self.connected) or any(
            row.state in _MOVING for row in (*self.here, *self.looked_up, *filter(None, [self.best]))
        )


def model_page() -> ModelPage:
    """Everything on the page."""
    survey, chosen, record = ModelSurvey.objects.first(), chosen_model(), current_model()
    found = survey.found if survey and settings.ENGINE == "hf" else {}
    rows = model_rows(found)
    best = next(
        (row for row in rows if row.name == found.get("best") and row.state not in ("loaded", "changing")), None
    )
    rest = [row for row in rows if row != best]
    loaded = next((row for row in rows if row.state == "loaded"), None)
    fixed = fixed_model() if settings.ENGINE == "hf" else settings.ENGINE_MODEL or settings.BASE_MODEL
    return ModelPage(
        record=record,
        title=loaded.title if loaded else record.title if record else "",
        loaded=loaded.name if loaded else BUNDLED,
        trouble=chosen.trouble if chosen else "",
        fixed=fixed,
        machine=found.get("machine", {}),
        rows=rows,
        best=best,
        looked_up=[row for row in rest if row.is_looked_up],
        here=[row for row in rest if not row.is_looked_up and row.state != "available" and not row.is_starter_in_use],
        fitting=[row for row in rest if row.state == "available" and not row.misfit],
        larger=[row for row in rest if row.state == "available" and row.misfit],
        n_read_again=n_read_again(),
        connected=list(ConnectedModel.objects.select_related("record")),
        in_file=[entry.title for entry in only_in_file().values()],
    )


def model_rows(found: Mapping[str, Any]) -> list[ModelRow]:
    """A row for every model of the survey `found` and every download, small models first."""
    if not found:
        return []
    downloads = {row.name: row for row in ModelDownload.objects.order_by("id")}
    stored = {each["name"]: each for each in found["stored"]}
    listed = {each["name"]: each for each in found["catalogue"]}
    record, chosen = current_model(), chosen_model()
    loaded = record.name if record else ""
    wanted = "" if fixed_model() else chosen.base_model if chosen else BUNDLED
    starter = _row(BUNDLED, {"title": "SmolLM2-135M-Instruct", "licence": "Apache-2.0", "parameters": 135_000_000},
                   {"path": BUNDLED, "loads_as": [BUNDLED], "state": "downloaded"}, None, loaded, wanted)  # fmt: skip
    names = dict.fromkeys([*listed, *stored, *downloads])
    return [starter] + [
        _row(name, listed.get(name, {}), stored.get(name, {}), downloads.get(name), loaded, wanted) for name in names
    ]


def offered_model() -> ModelRow | None:
    """The best model for this machine while the bundled one answers, and nobody chose or downloads another."""
    page = model_page()
    is_bundled = page.record is not None and page.record.name == BUNDLED
    return page.best if is_bundled and not page.fixed and not page.is_moving else None


def find_row(name: str) -> ModelRow | None:
    """The row of the model with this short name or name on the hub."""
    survey = ModelSurvey.objects.first()
    found: dict[str, Any] = survey.found if survey else {}
    short = next((each["name"] for each in found.get("catalogue", []) if each["typed"] == name), name)
    return next((row for row in model_rows(found) if row.name == short), None)


def _row(
    name: str,
    listed: Mapping[str, Any],
    stored: Mapping[str, Any],
    download: ModelDownload | None,
    loaded: str,
    wanted: str,
) -> ModelRow:
    is_stored = stored.get("state") == "downloaded"
    path = stored["path"] if is_stored else download.path if download else ""
    sizes = (stored.get("size") if is_stored else 0, download and download.total, listed.get("download_bytes"))
    licence = stored.get("licence") or (download.licence if download else "")
    if licence.casefold() == listed.get("licence", licence).casefold() or not licence:
        licence = listed.get("licence", licence)
    n = listed.get("parameters", 0)
    return ModelRow(
        name=name,
        title=listed.get("title", name),
        state=_state(stored, download, path, loaded, wanted),
        size=next(filter(None, sizes), 0),
        parameters="" if not n else f"{n / 1e9:.1f}B" if n >= 1e9 else f"{n / 1e6:.0f}M",
        licence=licence,
        languages=listed.get("languages", ""),
        abilities=tuple(gettext(ABILITIES[each]) for each in listed.get("abilities", ())),
        misfit=listed.get("misfit") or stored.get("misfit") or (download.misfit if download else ""),
        is_slow=listed.get("is_slow", False),
        tokens_per_s=listed.get("tokens_per_s", 0),
        page="" if name == BUNDLED else f"{settings.HF_ENDPOINT}/{listed.get('repo') or name.partition(':')[0]}",
        path=path,
        download=download,
    )


def _state(stored: Mapping[str, Any], download: ModelDownload | None, path: str, loaded: str, wanted: str) -> str:
    if path:
        if loaded and loaded in stored.get("loads_as", [Path(path).name]):
            return "loaded"
        return "changing" if path == wanted else "downloaded"
    if download:
        return str(download.status)
    return "unfinished" if stored else "available"
