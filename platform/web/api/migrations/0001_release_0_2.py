import uuid

import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [("api", name) for name in """
        0001_replies_sent 0002_responses_and_conversations 0003_batches 0004_stored_chat_completions
    """.split()]
    dependencies = [("runs", "0002_release_0_2")]
    operations = [
        migrations.CreateModel("SentReply", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("digest", models.CharField(help_text="Of the text, the calls, the person and the GPT.", max_length=64, unique=True)),
            ("label", models.JSONField()), ("sent", models.DateTimeField(auto_now=True)),
            ("gpt", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to="builder.gpt")),
            ("user", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
        ], {"indexes": [models.Index(fields=["user", "sent"], name="sent_reply_to_forget")]}),
        migrations.CreateModel("ProgramConversation", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("metadata", models.JSONField(default=dict)), ("removed", models.JSONField(default=list)),
            ("changed", models.DateTimeField(blank=True, null=True)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
        ]),
        migrations.CreateModel("Response", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("since", models.PositiveIntegerField(default=0)),
            ("until", models.PositiveIntegerField(blank=True, null=True)), ("asked", models.JSONField(default=list)),
            ("n_before", models.PositiveIntegerField(default=0)), ("stored", models.BooleanField(default=True)),
            ("request", models.JSONField()), ("created", models.DateTimeField(auto_now_add=True)),
            ("conversation", models.ForeignKey(blank=True, null=True, on_delete=models.CASCADE, related_name="responses", to="api.programconversation")),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
            ("previous", models.ForeignKey(blank=True, null=True, on_delete=models.SET_NULL, related_name="+", to="api.response")),
            ("run", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to="runs.run")),
            ("is_chat", models.BooleanField(default=False)),
        ], {
            "ordering": ["created", "id"],
            "indexes": [
                models.Index(condition=models.Q(("is_chat", True)), fields=["owner", "created"], name="chat_completion_of_owner"),
            ],
        }),
        migrations.CreateModel("ProgramItem", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("data", models.JSONField()), ("created", models.DateTimeField(auto_now_add=True)),
            ("conversation", models.ForeignKey(on_delete=models.CASCADE, related_name="items", to="api.programconversation")),
        ], {
            "ordering": ["created", "id"],
            "indexes": [models.Index(fields=["conversation", "created"], name="program_item_order")],
        }),
        migrations.CreateModel("Batch", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("endpoint", models.CharField(max_length=40)),
            ("input", models.UUIDField(help_text="The uploaded file, which may be deleted once the lines are read.")),
            ("metadata", models.JSONField(default=dict)),
            ("status", models.CharField(choices=[("validating", "Validating"), ("failed", "Failed"), ("in_progress", "In Progress"), ("finalizing", "Finalizing"), ("completed", "Completed"), ("expired", "Expired"), ("cancelling", "Cancelling"), ("cancelled", "Cancelled")], default="validating", max_length=12)),
            ("moments", models.JSONField(default=dict)),
            ("error", models.JSONField(help_text="Why it failed: code, message and line.", null=True)),
            ("n_lines", models.PositiveIntegerField(default=0)), ("n_done", models.PositiveIntegerField(default=0)),
            ("n_failed", models.PositiveIntegerField(default=0)),
            ("outputs_last_s", models.PositiveIntegerField(help_text="How long its files are kept; null: for good.", null=True)),
            ("served", models.DateTimeField(default=django.utils.timezone.now, help_text="When a line of it was last taken.")),
            ("resumes", models.DateTimeField(null=True)),
            ("created", models.DateTimeField(default=django.utils.timezone.now)), ("expires", models.DateTimeField()),
            ("errors", models.ForeignKey(null=True, on_delete=models.SET_NULL, related_name="+", to="runs.conversationfile")),
            ("output", models.ForeignKey(null=True, on_delete=models.SET_NULL, related_name="+", to="runs.conversationfile")),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
        ], {
            "ordering": ["created", "id"],
            "indexes": [models.Index(fields=["owner", "created"], name="batch_of_owner")],
        }),
        migrations.CreateModel("BatchLine", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("number", models.PositiveIntegerField()), ("custom_id", models.CharField(blank=True, max_length=512)),
            ("body", models.JSONField(null=True)),
            ("status", models.CharField(choices=[("waiting", "Waiting"), ("done", "Done"), ("failed", "Failed")], default="waiting", max_length=8)),
            ("claimed_until", models.DateTimeField(null=True)),
            ("n_attempts", models.PositiveIntegerField(default=0)), ("result", models.JSONField(null=True)),
            ("batch", models.ForeignKey(on_delete=models.CASCADE, related_name="lines", to="api.batch")),
        ], {
            "ordering": ["number"],
            "indexes": [models.Index(fields=["batch", "status", "number"], name="batch_line_next")],
            "constraints": [models.UniqueConstraint(fields=("batch", "number"), name="batch_line_once")],
        }),
        migrations.CreateModel("FileBatch", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("store", models.UUIDField()), ("files", models.JSONField()),
            ("cancelled", models.DateTimeField(blank=True, null=True)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
        ]),
    ]
