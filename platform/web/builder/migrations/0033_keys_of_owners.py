"""Who entered the keys of services and sources so far, and for what."""

from typing import Any

from django.db import migrations


def keep_for_owners(apps: Any, schema_editor: Any) -> None:
    """Every key was its owner's until now, for all that the GPT had and has."""
    versions = apps.get_model("builder", "GptVersion").objects
    for name in ("Action", "McpServerRow", "RemoteAgentRow", "Source"):
        rows = apps.get_model("builder", name).objects.exclude(secret="").select_related("gpt")
        for row in rows.iterator():
            row.secret_by_id = row.gpt.owner_id
            if name == "Action":
                row.secret_for = sorted(_calls(row, versions.filter(gpt=row.gpt_id).values_list("data", flat=True)))
            row.save(update_fields=["secret_by", *(["secret_for"] if name == "Action" else [])])


def _calls(action: Any, versions: Any) -> set[str]:
    here = {"action_id": str(action.id), "base_url": action.base_url}
    seen = [here | {"operations": action.listed}, here | {"operations": action.operations}]
    seen += [each for data in versions for each in data.get("actions", ()) if each["action_id"] == here["action_id"]]
    return {f"{op['method']} {each['base_url']}{op['path']}" for each in seen for op in each["operations"]}


class Migration(migrations.Migration):
    """Fill in the columns of keys."""

    dependencies = [("builder", "0032_editors")]
    operations = [migrations.RunPython(keep_for_owners, migrations.RunPython.noop)]
