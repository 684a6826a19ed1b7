"""The tool: files in, answer and files out, a stop that reaches the code, and a sentence where nothing can run."""

import threading
import time
import tracemalloc
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from gpts.runs.steps import FileRef
from gpts.safety.labels import untrusted
from gpts.spec.gpt import GptSpec
from workers.sandbox.client import Client
from workers.sandbox.media_types import mime_of
from workers.sandbox.service import Service
from workers.sandbox.settings import SandboxLimits, SandboxSettings
from workers.smallmodel.arguments.arithmetic import code_for
from workers.smallmodel.arguments.totals import totals_code
from workers.tools import InputFile, ToolContext, ToolError, ToolOutput
from workers.tools.builtin import granted
from workers.tools.code_interpreter.run import run, unavailable
from workers.tools.settings import ToolSettings

SPEC = GptSpec(slug="pump-doctor", name="Pump Doctor")
SALES = b'Region,Month,Revenue ($)\nNorth,Jan,"1,200"\nSouth,Jan,800\nNorth,Feb,1000\n'


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToolSettings]:
    service = Service(SandboxSettings(tmp_path_factory.mktemp("home")))
    threading.Thread(target=service.serve_forever, args=(0.02,), daemon=True).start()
    service.check()
    if service.why_not:
        pytest.skip(service.why_not)
    yield ToolSettings(sandbox=service.settings.socket)
    service.shutdown()
    service.close()


class Conversation:
    """What a call was given and what it kept."""

    def __init__(self, name: str, folder: Path, settings: ToolSettings) -> None:
        self.settings = settings
        self.kept: dict[str, tuple[str, bytes]] = {}
        self.untrusted: set[str] = set()
        self.told: list[str] = []
        self.name, self.folder = name, folder

    def call(
        self, code: str, files: Mapping[str, bytes | Path] | None = None, *, deadline_s: float = 20.0, **more: object
    ) -> ToolOutput:
        inputs = []
        for name, content in (files or {}).items():
            if isinstance(content, bytes):
                (self.folder / name).write_bytes(content)
            inputs.append(InputFile(name, self.folder / name))
        context = ToolContext(
            "call-1",
            self.name,
            1,
            SPEC,
            deadline_s,
            tuple(inputs),
            keep=self._keep,
            progress=self.told.append,
            **more,  # type: ignore[arg-type]
        )
        return run({"code": code}, context, self.settings)

    def _keep(self, name: str, mime: str, content: bytes, *, untrusted: bool = False) -> FileRef:
        self.kept[name] = (mime, content)
        self.untrusted |= {name} if untrusted else set()
        return FileRef(id=name, name=name, mime=mime, size=len(content))


@pytest.fixture
def bob(request: pytest.FixtureRequest, tmp_path: Path, sandbox: ToolSettings) -> Conversation:
    return Conversation(request.node.name, tmp_path, sandbox)


def test_a_printed_number_stands_as_the_answer(bob: Conversation) -> None:
    output = bob.call("print(3847*291)")
    assert (output.text, output.shown, output.ok, output.untrusted) == ("1119477", "1119477", True, False)
    assert bob.told[0] == "Running Python"


def test_a_long_output_reaches_the_cut_of_all_results_whole_and_after_its_error(bob: Conversation) -> None:
    output = bob.call("for n in range(5_000): print('row', n)\n1 / 0")
    assert "row 4999" in output.text
    assert output.text.index("ZeroDivisionError") < output.text.index("row 0")


def test_a_frame_is_shown_as_a_table_and_the_model_reads_it(bob: Conversation) -> None:
    output = bob.call("pd.read_csv('sales.csv').head(1)", {"sales.csv": SALES})
    assert output.shown == "| Region | Month | Revenue ($) |\n| --- | --- | --- |\n| North | Jan | 1,200 |"
    assert "North" in output.text
    assert output.untrusted
    assert output.written_by == ("the file sales.csv",)


def test_a_chart_is_kept_as_a_picture_and_named(bob: Conversation) -> None:
    output = bob.call("plt.plot([1, 2])")
    assert [each.name for each in output.files] == ["chart-1.png"]
    assert bob.kept["chart-1.png"][0] == "image/png"
    assert output.shown == "Made **chart-1.png**."
    assert "chart-1.png" in output.text


def test_a_chart_that_code_saves_is_kept_once(bob: Conversation) -> None:
    output = bob.call("plt.plot([1, 2])\nplt.savefig('sales.png', dpi=90)\nplt.show()")
    assert [each.name for each in output.files] == ["sales.png"]
    code = "for f in ('a.png', io.BytesIO(), 'c.pdf'):\n    plt.figure().savefig(fname=f)"
    output = bob.call(f"import io\n{code}")
    assert sorted(each.name for each in output.files) == ["a.png", "c.pdf", *(f"chart-{n}.png" for n in (1, 2))]


def test_an_error_is_told_and_is_not_ok(bob: Conversation) -> None:
    output = bob.call("int('x')")
    assert not output.ok
    assert "ValueError" in output.text
    assert "The code failed" in (output.shown or "")


def test_code_that_misses_a_file_is_told_which_ones_there_are(bob: Conversation) -> None:
    assert bob.call("open('sale.csv')", {"sales.csv": SALES}).text.endswith("\nFiles here: sales.csv.")
    assert bob.call("open('sale.csv')").text.endswith("\nFiles here: none.")
    assert "Files here" not in bob.call("1 / 0", {"sales.csv": SALES}).text


def test_what_was_printed_cannot_be_markup(bob: Conversation) -> None:
    shown = bob.call("print('[click](http://evil.example)')\nprint('<b>x</b>')").shown
    assert shown is not None
    assert shown.startswith("```")
    assert bob.call("print('![x](http://evil.example)')").shown == "`![x](http://evil.example)`"


def test_a_stopped_run_ends_the_code(bob: Conversation) -> None:
    class Stopped(Exception):
        pass

    def check() -> None:
        if "endless" in bob.told:
            raise Stopped

    with pytest.raises(Stopped):
        bob.call("print('endless', flush=True)\nwhile True: pass", check=check)
    stopped = time.monotonic()
    assert bob.call("1 + 1").text == "2"
    assert time.monotonic() - stopped < SandboxLimits().cpu_s / 2, "the code ran on until its limit"


def test_files_that_are_too_large_together_are_refused_before_any_is_read(bob: Conversation) -> None:
    files = {}
    for name in ("a.bin", "b.bin"):
        files[name] = bob.folder / name
        with files[name].open("wb") as file:
            file.truncate(40 << 20)
    code = "len(open('a.bin', 'rb').read())"
    assert bob.call(code, {"a.bin": files["a.bin"]}).text == str(40 << 20)

    tracemalloc.start()
    with pytest.raises(ToolError, match="attach fewer or smaller ones"):
        bob.call(code, files)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 << 20


def test_a_person_uses_as_many_sessions_as_they_may(bob: Conversation) -> None:
    def call(chat: int, code: str, most: int | None) -> str:
        return Conversation(f"77/{chat}", bob.folder, bob.settings).call(code, n_sessions=most).text

    client = Client(bob.settings.sandbox)
    call(1, "x = 41", 1)
    call(2, "x = 42", 1)
    assert client.n_live()["77"] == 1
    assert "NameError" in call(1, "x", 2)
    assert call(2, "x", 2) == "42"
    assert client.n_live()["77"] == 2
    with pytest.raises(ToolError, match="reached your limit of code interpreter sessions"):
        call(3, "1", 0)
    assert call(3, "1", None) == "1"


def test_progress_is_the_last_printed_line(bob: Conversation) -> None:
    bob.call("import time\nprint('half done')\ntime.sleep(0.2)")
    assert "half done" in bob.told


def test_it_says_why_it_cannot_run(tmp_path: Path, bob: Conversation) -> None:
    bob.settings = ToolSettings(sandbox=tmp_path / "nothing.sock")
    assert unavailable(bob.settings) == "The sandbox is not running."
    with pytest.raises(ToolError, match="Code can't be run on this site"):
        bob.call("1")


def test_it_is_granted_with_its_switch_only() -> None:
    able = SPEC.model_copy(update={"capabilities": ("code_interpreter",)})
    assert "code_interpreter" in granted(able, ToolSettings())
    assert "code_interpreter" not in granted(SPEC, ToolSettings())


@pytest.mark.parametrize(
    ("question", "answer"),
    [("What is 3847 * 291?", "1119477"), ("15% of 240", "36"), ("0.1 + 0.2", "0.3"), ("sqrt of 2", "1.414213562")],
)
def test_a_calculation_needs_no_model(bob: Conversation, question: str, answer: str) -> None:
    assert bob.call(code_for(question) or "").shown == answer


def test_totals_of_a_table_need_no_model(bob: Conversation) -> None:
    files = {"sales.csv": b"month,revenue,region\n2025-01,2,North\n2025-01,3.5,South\n2025-02,1,North\n"}
    drawn = bob.call(totals_code("Plot revenue by month in sales.csv") or "", files)
    assert [each.name for each in drawn.files] == ["chart-1.png"]
    assert (drawn.shown or "").startswith("| month | total revenue |\n| --- | --- |\n| 2025-01 | 5.5 |\n")

    told = bob.call(totals_code("What is the total revenue by region?") or "", files)
    assert (told.shown or "").endswith("| North | 3 |\n| South | 3.5 |")
    assert not told.files
    missing = bob.call(totals_code("total profit by month in sales.csv") or "", files)
    assert missing.text == "sales.csv has no column “profit”; its columns are month, revenue, region"
    files["prices.csv"] = b"Item,Price (EUR)\nHose,31\nGloves,6.4\n"
    found = bob.call(totals_code("plot the price by item") or "", files)
    assert "| Hose | 31 |\n| Gloves | 6.4 |" in (found.shown or "")


@pytest.mark.parametrize(
    "question",
    [
        "What is the total of the amount column?",
        "Total the Amount column",
        "Sum up the amounts in the attached file",
        "add up all amounts in this table please",
        "What's the total amount in costs.csv?",
        "Wie hoch ist die Summe der Spalte Amount?",
        "Somme de la colonne « Amount »",
        "¿Cuál es la suma de la columna Amount?",
    ],
)
def test_the_total_of_a_column_needs_no_model(bob: Conversation, question: str) -> None:
    files = {"costs.csv": b"Item,Amount (EUR)\nHose,31\nGloves,6.4\n", "sales.csv": b"month,revenue\n2025-01,2\n"}
    told = bob.call(totals_code(question) or "", files)
    assert (told.shown or told.text).endswith("| 2 | 37.4 |")


@pytest.mark.parametrize(
    "text",
    [
        "plot sin(x) from 0 to 10",
        "Draw a fox by a river",
        "and only for tea?",
        "What is the total cost of ownership?",
    ],
)
def test_other_wishes_are_not_taken_for_totals(text: str) -> None:
    assert totals_code(text) is None


@pytest.mark.parametrize(
    ("name", "content", "mime"),
    [
        ("x.png", b"<html><script>", "text/html"),
        ("x.csv", b"<svg onload=x>", "image/svg+xml"),
        ("x.csv", b"a,b\n1,2", "text/csv"),
        ("x.txt", b"\x00\xff\xfe", "application/octet-stream"),
        ("x.html", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("x", b"%PDF-1.7", "application/pdf"),
    ],
)
def test_kinds_of_files_are_told_by_content(name: str, content: bytes, mime: str) -> None:
    assert mime_of(name, content) == mime


@pytest.mark.parametrize(
    ("code", "files"),
    [
        ("kept = 'obey me'; raise ValueError", {}),
        ("kept = 'obey me'\nwhile True: pass", {}),
        ("open('kept.txt', 'w').write('obey me'); __import__('os')._exit(1)", {}),
        ("kept = open('letter.txt').read()", {"letter.txt": b"obey me"}),
    ],
    ids=["failed", "timed out", "died", "read a file"],
)
def test_what_code_keeps_for_later_calls_keeps_its_label(
    bob: Conversation, code: str, files: dict[str, bytes]
) -> None:
    page = untrusted("the page evil.example", private=("action:crm.example.org",))
    clean, call = bob.call("1 + 1"), bob.call(code, files, label=page, deadline_s=1.0)
    assert not clean.untrusted
    assert ("the page evil.example" in call.written_by, call.untrusted) == (True, True)

    later = bob.call("print(globals().get('kept') or open('kept.txt').read()); plt.plot([1])")  # of a clean turn
    assert "obey me" in later.text
    assert later.untrusted
    assert set(later.written_by) == {"the page evil.example", *(f"the file {name}" for name in files)}
    assert "action:crm.example.org" in later.private
    assert "chart-1.png" in bob.untrusted
    assert not Conversation("another chat", bob.folder, bob.settings).call("1").untrusted
