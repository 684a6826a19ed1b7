"""What operators see of the models: which there are, which fit this machine, which is best; and BASE_MODEL=auto."""

import time
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from gpts.spec.base_models import AUTO
from web.operate.downloads import Status, request_download
from web.operate.models import ModelDownload, ModelSurvey
from web.operate.services import choose_model, chosen_model
from workers.configuration import base_model
from workers.engine.base import EngineError
from workers.engine.weights import places
from workers.importing import IMPORTING
from workers.models.catalogue import Entry, catalogue
from workers.models.errors import ModelError
from workers.models.machine import (
    MachineSize,
    best,
    cpu_tokens_per_s,
    is_fast_enough,
    misfit,
    misfit_of,
    this_machine,
)
from workers.models.stored import StoredModel, find_stored, read_manifest, remove_stored, stored_models

# Licences that BASE_MODEL=auto may accept: they restrict no use.
FREE_LICENCES: Final = ("Apache-2.0", "MIT")
# What engines need to know of an entry.
UNLISTED: Final = {"file", "revision", "engine", "active", "tool_parser", "reasoning_parser"}
# The speed of memory is measured with sums of so many numbers, more than any cache holds: some 0.1 s of all cores, in
# the first surveys of a process only.
N_MEASURED: Final = 6
_measured: Final = count()
SUMMED: Final = 64_000_000
N_SUMS: Final = 5
SPEED_STEP: Final = 1_000_000_000
# Free disk is told in steps, so that the survey is not written every few seconds.
DISK_STEP: Final = 100_000_000


def machine() -> MachineSize:
    """This machine, with the largest of its GPUs."""
    with IMPORTING:
        import torch  # only here, as importing it takes seconds

        from workers.engine.gpus import allowed_bits

    gpus = range(torch.cuda.device_count() if torch.cuda.is_available() else 0)
    gpu_memory = max((torch.cuda.get_device_properties(index).total_memory for index in gpus), default=0)
    gpu_bits = (settings.ENGINE_WEIGHT_BITS or allowed_bits()[-1]) if settings.ENGINE == "hf" else 16
    size = this_machine(settings.GUILDHALL_HOME / "models", gpu_memory, gpu_bits)
    return size if gpu_memory else replace(size, memory_speed=memory_speed())


def memory_speed() -> int:
    """Bytes per second that all cores together read from memory: the most ever seen, as others compute as well."""
    import torch

    found = ModelSurvey.objects.filter(id=1).values_list("found__machine__memory_speed", flat=True).first()
    if found and next(_measured) >= N_MEASURED:
        return int(found)
    numbers, seconds = torch.ones(SUMMED), []
    for _ in range(N_SUMS):
        started = time.perf_counter()
        numbers.sum()
        seconds.append(time.perf_counter() - started)
    return max(int(numbers.nbytes / min(seconds)) // SPEED_STEP * SPEED_STEP, found or SPEED_STEP)


def survey() -> None:
    """Save what is found, if it changed; and let BASE_MODEL=auto have its way."""
    over = list(ModelDownload.objects.filter(status=Status.DONE).values_list("id", flat=True))
    here, size = stored_models(settings.GUILDHALL_HOME), machine()
    found = _found(here, size)
    if ModelSurvey.objects.filter(id=1).values_list("found", flat=True).first() != found:
        ModelSurvey.objects.update_or_create(id=1, defaults={"found": found})
    ModelDownload.objects.filter(id__in=over).delete()
    _choose_automatically(size)


def remove_model(name: str) -> list[StoredModel]:
    """Delete what is stored of the model called `name`, and return that. Raises ModelError, as for the one in use."""
    home, own = settings.GUILDHALL_HOME, places_of(name)
    found = [each for each in stored_models(home) if name in (each.name, str(each.path)) or each.path in own]
    if not found:
        raise ModelError(f"There is no model “{name}” in {home / 'models'}.")
    for each in found:
        remove_stored(each, places_of(base_model()))
    return found


def places_of(name: str) -> set[Path]:
    """Where the model called `name` is on this machine; empty if it is not here."""
    try:
        return {path.resolve() for path in places(name, settings.GUILDHALL_HOME)}
    except EngineError:
        return set()


def names_of(path: Path) -> set[str]:
    """What engines call the model at `path`: by its folder or copy, and the CPU’s by the name of a .gguf file."""
    return {place.name for place in places_of(str(path))} | ({path.stem} if path.suffix == ".gguf" else set())


def _found(here: list[StoredModel], size: MachineSize) -> dict[str, Any]:
    """The survey as JSON, in the words of `web.operate.listing`."""
    stored = {each.name for each in here if each.state == "downloaded"}
    suggested = best(catalogue(), size, stored)
    return {
        "machine": {
            "memory": size.memory,
            "free_disk": size.free_disk // DISK_STEP * DISK_STEP,
            "gpu_memory": size.gpu_memory,
            "memory_speed": size.memory_speed,
        },
        "best": suggested.name if suggested else "",
        "catalogue": [_listed(each, size, each.name in stored) for each in catalogue()],
        "stored": [_stored(each, size) for each in here if each.state != "converted"],
    }


def _listed(entry: Entry, size: MachineSize, is_stored: bool) -> dict[str, Any]:
    fields = entry.model_dump(mode="json", exclude=UNLISTED)
    speed = 0 if size.gpu_memory else cpu_tokens_per_s(entry, size)
    fit = {"misfit": misfit(entry, size, is_stored=is_stored), "is_slow": not is_fast_enough(entry, size)}
    return {
        **fields,
        **fit,
        "tokens_per_s": round(speed, 1 if speed < 4 else None),
        "abilities": sorted(entry.abilities),
        "typed": entry.typed,
    }


def _stored(model: StoredModel, size: MachineSize) -> dict[str, Any]:
    """`loads_as`: the names by which an engine that has loaded the model calls it."""
    names = sorted(names_of(model.path)) if model.state == "downloaded" else []
    record = read_manifest(model.path if model.path.is_dir() else model.path.parent)
    reason = misfit_of(record, size, is_stored=True) if record else ""
    known = {"name": model.name, "size": model.size, "licence": model.licence, "state": model.state, "misfit": reason}
    return {**known, "path": str(model.path), "loads_as": names}


def _choose_automatically(size: MachineSize) -> None:
    """With BASE_MODEL=auto, use the best model that fits, or begin its download: once, until somebody chooses."""
    is_begun = ModelDownload.objects.filter(automatic=True).exists()
    if settings.BASE_MODEL != AUTO or settings.ENGINE != "hf" or is_begun or chosen_model():
        return
    free = [each for each in catalogue() if each.licence in FREE_LICENCES and not each.gated]
    here = {each.name for each in free if find_stored(each.name, settings.GUILDHALL_HOME)}
    entry = best(free, size, here)
    path = find_stored(entry.name, settings.GUILDHALL_HOME) if entry else None
    if path:
        choose_model(str(path))
    elif entry:
        request_download(entry.name, entry.licence, automatic=True, is_listed=True)
