"""Generates the client of `/api` from the site's own document, and does with it what a creator does."""

import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path

url = os.environ["BASE_URL"].removesuffix("/v1")
folder = Path(tempfile.mkdtemp())
generator = [sys.executable, "-m", "openapi_python_client", "generate", "--url", f"{url}/api/openapi.json"]
made = subprocess.run(
    [*generator, "--output-path", str(folder), "--overwrite"], capture_output=True, text=True, check=True
)
warnings = [
    line for line in (made.stdout + made.stderr).splitlines() if line.startswith(("WARNING", "Unable", "ERROR"))
]
sys.path.insert(0, str(folder))
package, models, types = (importlib.import_module(f"guildhall_client{part}") for part in ("", ".models", ".types"))


def operation(tag: str, name: str):
    return importlib.import_module(f"guildhall_client.api.{tag}.{name}").sync


client = package.AuthenticatedClient(base_url=url, token=os.environ["OPENAI_API_KEY"])
for name in ("Seal Clerk", "Second", "Third"):
    gpt = operation("gpt", "create_gpt")(client=client, body=models.NewGpt(name=name, instructions="Be brief."))
    print(gpt.slug, file=sys.stderr)
upload = types.File(payload=BytesIO(b"The seal of the Zephyr-9 is ZP-771."), file_name="seals.txt")
file = operation("knowledge_files", "add_file")(
    "seal-clerk", client=client, body=models.AddFileFileParams(file=upload)
)
run = operation("runs_and_conversations", "start_run")(
    "seal-clerk", client=client, body=models.NewRun(text="Hello", preview=True)
)
until = time.monotonic() + 60
while not run.ended and time.monotonic() < until:
    time.sleep(0.2)
    run = operation("runs_and_conversations", "read_run")(run.id, client=client)
slugs, cursor = [], ""
while cursor is not None:
    page = operation("gpt", "list_gpts")(client=client, limit=2, cursor=cursor)
    slugs += [each.slug for each in page.items]
    cursor = page.next_
problem = operation("gpt", "create_gpt")(client=client, body=models.NewGpt(name="x" * 99))
found = {"warnings": warnings, "file": file.name, "status": str(run.status), "answer": run.answer, "slugs": slugs}
print(json.dumps({**found, "problem": [problem.status, problem.code, problem.field]}))
