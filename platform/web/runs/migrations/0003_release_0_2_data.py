"""Brings the chats of release 0.1.0 to what 0.2.0 expects of them. A new database has none."""

from itertools import pairwise

from django.db import migrations
from django.db.models import Count


def end_permissions(apps, schema_editor):
    """They are not bound to what the tool did when they were given: people are asked again."""
    apps.get_model("runs", "Permission").objects.filter(binding="").delete()


def queue_unfinished(apps, schema_editor):
    """Unfinished runs wait for a model worker, which hands them over if need be."""
    runs = apps.get_model("runs", "Run").objects.exclude(lease_until=None)
    runs.filter(status__in=("queued", "in_progress")).update(queue="model")


def link_messages(apps, schema_editor):
    """Each message follows the newest answer to the message before."""
    Message, Run = apps.get_model("runs", "Message"), apps.get_model("runs", "Run")
    several = Message.objects.values("conversation").annotate(n=Count("id")).filter(n__gt=1)
    for conversation in several.values_list("conversation", flat=True).iterator():
        runs = Run.objects.filter(message__conversation=conversation).order_by("created", "id")
        newest = dict(runs.values_list("message", "id"))
        messages = list(Message.objects.filter(conversation=conversation).order_by("created", "id"))
        for before, message in pairwise(messages):
            message.after_id = newest.get(before.id)
        Message.objects.bulk_update(messages[1:], ["after"], batch_size=500)


class Migration(migrations.Migration):
    # The last name among them: what depends on it has the data too.
    replaces = [("runs", "0009_end_unbound_permissions"), ("runs", "0030_undo_of_imports")]
    dependencies = [("runs", "0002_release_0_2")]
    operations = [
        migrations.RunPython(step, migrations.RunPython.noop)
        for step in (end_permissions, queue_unfinished, link_messages)
    ]
