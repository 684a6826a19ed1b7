"""`manage.py bench load`: many people chat, and one of them floods the site.

A temporary site with its web server, its workers and the scripted engine, whose replies come at a fixed pace.
The people are Locust's (`load_people.py`): each has a session, and does what the page's script does. First they chat
alone, then beside one person whose many programs send whenever they can, then alone again, because a site and a
machine change within minutes by as much. With `--flood` the programs send something else than messages; the people
then also have an OpenAPI document read, by a worker of tools, and import a chat.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from django.utils.crypto import get_random_string

from workers.bench import Say
from workers.bench.temporary_site import manage, memory, temporary_site, web_server
from workers.bench.timing import percentile

HELP = "many people who chat, one of them flooding; memory (needs the package locust)"

# A reply of the scripted engine: 0.8 s.
SCRIPT: Final = {"replies": [" ".join(f"word{i}" for i in range(40))], "word_s": 0.02}
# The times that are reported: until the first words, until a document is read, until a chat is imported.
P95: Final = {"p95_s": "first_s", "document_p95_s": "document_s", "import_p95_s": "import_s"}
# What the flooder sends: messages, export files, OpenAPI documents, sources at a server that never answers, tests of
# webhooks there, or first messages of visitors.
FLOODS: Final = ("chats", "imports", "openapi", "sources", "mail", "embeds")
# People come to a site that runs already.
WARM_UP_S: Final = 20


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--people", type=int, default=200, help="people who chat (default 200)")
    parser.add_argument("--flooders", type=int, default=100, help="programs of the one who floods (default 100)")
    parser.add_argument("--seconds", type=int, default=120, help="of each part (default 120)")
    parser.add_argument("--flood", choices=FLOODS, default="chats", help="what the flooder sends (default chats)")
    parser.add_argument("--inside", type=int, help=SUPPRESS)


def report(options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Times to the first words with and without the flood, and memory. Raises RuntimeError."""
    if options["inside"] is not None:
        return _prepare(options["inside"])
    if find_spec("locust") is None:
        raise RuntimeError("This needs the package locust: `pip install locust`.")
    parts: dict[str, Any] = {}
    megabytes: dict[str, Any] = {}
    with (
        tempfile.TemporaryDirectory(prefix="guildhall-load-") as folder,
        _site(Path(folder), options) as (environment, url),
    ):
        _chats(Path(folder), environment, url, {**options, "flooders": 0, "seconds": WARM_UP_S})
        for name, flooders in (("alone", 0), ("beside a flood", options["flooders"]), ("alone again", 0)):
            say(f"People {name}: {options['seconds']} s ...")
            parts[name] = _chats(Path(folder), environment, url, {**options, "flooders": flooders})
            megabytes[name] = memory()
    ratios = {name: _ratio(name, *(part["people"] for part in parts.values())) for name in P95}
    return {
        "setting": {name: options[name] for name in ("people", "flood", "flooders", "seconds")},
        "load of the machine": [round(each, 2) for each in os.getloadavg()],
        **{f"{kind}, {name}": part[kind] for name, part in parts.items() for kind in part},
        "p95 beside a flood to alone": ratios,
        "memory in MB": megabytes,
    }


def _ratio(name: str, before: dict[str, Any], beside: dict[str, Any], after: dict[str, Any]) -> float | None:
    alone = (before[name] or 0) + (after[name] or 0)
    return round(2 * (beside[name] or 0) / alone, 2) if alone else None


@contextmanager
def _site(folder: Path, options: Mapping[str, Any]) -> Iterator[tuple[dict[str, str], str]]:
    script = folder / "script.json"
    script.write_text(json.dumps(SCRIPT), "utf-8")
    with socket.create_server(("127.0.0.1", 0), backlog=1_000) as never_answers:
        silent = f"127.0.0.1:{never_answers.getsockname()[1]}"
        variables = {"MAX_ACTIVE_RUNS": "32", "NEW_VISITORS_A_MINUTE": "unlimited", "EGRESS_ALLOW": silent}
        variables |= {"ENGINE": "scripted", "ENGINE_SCRIPT": str(script)}
        queues = ("model,tools",) if options["flood"] == "chats" else ("model", "tools", "index")
        with temporary_site(queues=queues, **variables) as environment, web_server(environment) as url:
            yield environment, url


def prepared(environment: Mapping[str, str], n_people: int) -> dict[str, Any]:
    """New people with their cookies, and the GPT that they chat with."""
    found: dict[str, Any] = json.loads(manage(environment, "bench", "load", "--json", "--inside", str(n_people)))
    return found


def _prepare(n_people: int) -> dict[str, Any]:
    """What `prepared` returns, made on the site of this process."""
    from django.test import Client

    from web.accounts import webhooks
    from web.accounts.models import User
    from web.accounts.services import create_key
    from web.builder.models import Gpt
    from web.builder.models_access import Sharing
    from web.builder.models_sources import Source
    from web.builder.services import create_gpt, publish
    from web.builder.widgets import change

    owner, _ = User.objects.get_or_create(email="owner@example.org")
    gpt = Gpt.objects.filter(name="Load").first()
    if gpt is None:
        gpt = create_gpt(owner, {"name": "Load", "description": "Tells stories.", "instructions": "Tell stories."})
        publish(gpt, Sharing.STORE, by=gpt.owner)

    def person(number: int) -> tuple[dict[str, str], User]:
        client, user = Client(), User.objects.create(email=f"{get_random_string(12)}@example.org", name=str(number))
        client.force_login(user)
        cookies = {"sessionid": client.cookies["sessionid"].value, "csrftoken": get_random_string(32)}
        return {**cookies, "key": create_key(user, "bench")[1]}, user

    cookies, flooder = person(0)
    widget = change(gpt, {"is_on": True})
    own = create_gpt(flooder, {"name": "Flood"})
    silent = f"http://{os.environ['EGRESS_ALLOW']}"
    pages = ({"kind": "page", "url": f"{silent}/{number}"} for number in range(30))
    sources = [str(Source.objects.create(gpt=own, kind="page", settings=page).id) for page in pages]
    hook = str(webhooks.create(own, f"{silent}/hook", ["gpt.published"], flooder)[0].id)
    facts = {"slug": own.slug, "widget": widget.key, "sources": sources, "hook": hook}
    people = [person(number)[0] for number in range(n_people)]
    return {"slug": gpt.slug, "people": people, "flooding": cookies, "flood_facts": facts}


def _chats(folder: Path, environment: Mapping[str, str], url: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of one part, of people and of flooders."""
    load = folder / "load.json"
    facts = {**prepared(environment, options["people"]), "flood": options["flood"]}
    load.write_text(json.dumps(facts), "utf-8")
    kinds = {"people": options["people"], "flooders": options["flooders"]}
    # Apart from each other: what the flooder's programs do with their files is no part of anybody's waiting.
    started = {
        kind: _locust(load, kind, n_users, options["seconds"], url) for kind, n_users in kinds.items() if n_users
    }
    return {kind: _figures(_times(process, load.with_name(f"{kind}.json"))) for kind, process in started.items()}


def _locust(load: Path, kind: str, n_users: int, seconds: int, url: str) -> subprocess.Popen[str]:
    """Locust with the users of one kind. Flooders, which would be another machine's, get what is left of this one."""
    command = [sys.executable, "-m", "locust", "--headless", "-f", str(Path(__file__).with_name("load_people.py"))]
    limits = ["-u", str(n_users), "-r", str(n_users), "-t", f"{seconds}s", "--stop-timeout", "20"]
    variables = {"LOAD_FILE": str(load), "LOAD_KIND": kind, "TIMES_FILE": str(load.with_name(f"{kind}.json"))}
    return subprocess.Popen(  # noqa: S603 - fixed command
        [*(["nice", "-n", "19"] if kind == "flooders" else []), *command, *limits, "--host", url, "--only-summary"],
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _times(process: subprocess.Popen[str], times: Path) -> dict[str, Any]:
    """What a process of Locust measured. Raises RuntimeError."""
    said = process.communicate()[1]
    if not times.exists():
        raise RuntimeError(f"Locust failed: {said.strip()[-500:]}")
    found: dict[str, Any] = json.loads(times.read_text("utf-8"))
    times.unlink()
    return found


def _figures(found: Mapping[str, Any]) -> dict[str, Any]:
    late = {name: percentile(found[times], 0.95) for name, times in P95.items()}
    counts = {"answers": len(found["first_s"]), "refused": found["refused"], "unanswered": found["unanswered"]}
    return {"median_s": percentile(found["first_s"], 0.5), **late, **counts}
