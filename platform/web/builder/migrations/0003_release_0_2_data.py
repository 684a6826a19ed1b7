"""Brings the GPTs of release 0.1.0 to what 0.2.0 expects of them. A new database has none."""

from django.db import migrations

TEXTS = ("name", "description", "starters")
SWITCHES = ("files_downloadable", "a2a")
# The longest answer by default. The form sent it with everything else, so nobody is known to have chosen it.
FORMER_LENGTH = 400


def read_files_again(apps, schema_editor):
    """Files wait no more for decisions on passages: they are read without these."""
    apps.get_model("builder", "KnowledgeFile").objects.filter(status="quarantined").update(status="received")


def keep_texts(apps, schema_editor):
    """The texts of GPTs that others can ask count as reviewed; later changes need a review."""
    rows = apps.get_model("builder", "DelegateRow").objects.exclude(delegate__published=None)
    for row in rows.select_related("delegate__published"):
        row.seen = {name: value for name in TEXTS if (value := row.delegate.published.data.get(name))}
        row.save(update_fields=["seen"])


def update_versions(apps, schema_editor):
    """Versions get the switches of their GPT. Where the length of answers was the default, the model decides it."""
    apps.get_model("builder", "Gpt").objects.filter(max_tokens=FORMER_LENGTH).update(max_tokens=None)
    for version in apps.get_model("builder", "GptVersion").objects.select_related("gpt").iterator():
        if version.gpt.files_downloadable or version.gpt.a2a:
            version.data |= {name: getattr(version.gpt, name) for name in SWITCHES}
        if version.data.get("model", {}).get("max_tokens") == FORMER_LENGTH:
            version.data["model"]["max_tokens"] = None
        version.save(update_fields=["data"])


def keep_for_owners(apps, schema_editor):
    """Every key was its owner's, for everything that the GPT had and has."""
    versions = apps.get_model("builder", "GptVersion").objects
    for name in ("Action", "McpServerRow", "RemoteAgentRow"):
        for row in apps.get_model("builder", name).objects.exclude(secret="").select_related("gpt"):
            row.secret_by_id = row.gpt.owner_id
            if name == "Action":
                row.secret_for = sorted(_calls(row, versions.filter(gpt=row.gpt_id).values_list("data", flat=True)))
            row.save(update_fields=["secret_by", "secret_for"])


def _calls(action, versions):
    now = {"action_id": str(action.id), "base_url": action.base_url}
    states = [now | {"operations": action.listed}, now | {"operations": action.operations}]
    states += [state for data in versions for state in data.get("actions", ()) if state["action_id"] == str(action.id)]
    return {f"{op['method']} {state['base_url']}{op['path']}" for state in states for op in state["operations"]}


class Migration(migrations.Migration):
    # The last name among them: what depends on it has the data too.
    replaces = [("builder", name) for name in """
        0007_use_files_with_hints 0014_texts_of_delegates 0015_switches_in_versions
        0017_use_files_without_held_passages 0033_keys_of_owners 0038_was_listed
    """.split()]
    dependencies = [("builder", "0002_release_0_2")]
    operations = [
        migrations.RunPython(step, migrations.RunPython.noop)
        for step in (read_files_again, keep_texts, update_versions, keep_for_owners)
    ]
