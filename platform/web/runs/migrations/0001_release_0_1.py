import uuid

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [("runs", "0001_initial"), ("runs", "0002_files_and_permissions"), ("runs", "0003_delegations")]
    dependencies = [("builder", "0001_release_0_1")]
    operations = [
        migrations.CreateModel("Permission", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("tool", models.CharField(max_length=64)), ("host", models.CharField(blank=True, max_length=255)),
            ("title", models.CharField(blank=True, max_length=300)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("gpt", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to="builder.gpt")),
            ("user", models.ForeignKey(on_delete=models.CASCADE, related_name="permissions", to=settings.AUTH_USER_MODEL)),
        ], {
            "constraints": [models.UniqueConstraint(fields=("user", "gpt", "tool", "host"), name="permission_once")],
        }),
        migrations.CreateModel("Conversation", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("origin", models.CharField(choices=[("chat", "Chat"), ("preview", "Preview"), ("api", "Api"), ("delegation", "Delegation")], default="chat", max_length=10)),
            ("title", models.CharField(blank=True, max_length=120)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("changed", models.DateTimeField(auto_now_add=True)),
            ("deleted", models.DateTimeField(blank=True, null=True)),
            ("gpt", models.ForeignKey(on_delete=models.CASCADE, related_name="conversations", to="builder.gpt")),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, related_name="conversations", to=settings.AUTH_USER_MODEL)),
            ("version", models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="builder.gptversion")),
            ("guest", models.ForeignKey(blank=True, null=True, on_delete=models.SET_NULL, related_name="+", to="builder.gpt")),
        ], {
            "ordering": ["-changed"],
            "indexes": [models.Index(fields=["owner", "origin", "-changed"], name="conversation_history")],
        }),
        migrations.CreateModel("Message", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("text", models.TextField()), ("created", models.DateTimeField(auto_now_add=True)),
            ("conversation", models.ForeignKey(on_delete=models.CASCADE, related_name="messages", to="runs.conversation")),
        ], {
            "ordering": ["created", "id"],
            "indexes": [models.Index(fields=["conversation", "created"], name="message_order")],
        }),
        migrations.CreateModel("Run", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("status", models.CharField(choices=[("queued", "Queued"), ("in_progress", "In Progress"), ("requires_action", "Requires Action"), ("completed", "Completed"), ("failed", "Failed"), ("cancelled", "Cancelled"), ("incomplete", "Incomplete")], default="queued", max_length=16)),
            ("n_steps", models.PositiveIntegerField(default=0)),
            ("lease", models.CharField(blank=True, help_text="Token of the worker that may append; empty: free.", max_length=32)),
            ("lease_until", models.DateTimeField(blank=True, null=True)),
            ("n_attempts", models.PositiveIntegerField(default=0, help_text="How often a worker started it.")),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("ended", models.DateTimeField(blank=True, null=True)),
            ("message", models.ForeignKey(on_delete=models.CASCADE, related_name="runs", to="runs.message")),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, related_name="runs", to=settings.AUTH_USER_MODEL)),
            ("version", models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="builder.gptversion")),
            ("deadline", models.DateTimeField(blank=True, help_text="For the first run of a tree: when its child runs are stopped.", null=True)),
            ("depth", models.PositiveSmallIntegerField(default=0)),
            ("n_tokens", models.PositiveIntegerField(default=0, help_text="Input and output tokens.")),
            ("request", models.CharField(blank=True, max_length=64)),
            ("root", models.ForeignKey(blank=True, null=True, on_delete=models.CASCADE, related_name="descendants", to="runs.run")),
        ], {
            "ordering": ["created", "id"],
            "indexes": [
                models.Index(fields=["status", "lease_until"], name="run_to_wake"),
                models.Index(fields=["owner", "status"], name="run_active_of_owner"),
                models.Index(condition=models.Q(("deadline", None), _negated=True), fields=["deadline"], name="run_to_give_up"),
            ],
            "constraints": [
                models.UniqueConstraint(condition=models.Q(("request", ""), _negated=True), fields=("root", "request"), name="request_once_per_tree"),
            ],
        }),
        migrations.CreateModel("StepRow", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("seq", models.PositiveIntegerField()), ("kind", models.CharField(max_length=20)),
            ("call_id", models.CharField(blank=True, max_length=64)), ("data", models.JSONField()),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("run", models.ForeignKey(on_delete=models.CASCADE, related_name="steps", to="runs.run")),
        ], {
            "ordering": ["seq"],
            "constraints": [
                models.UniqueConstraint(fields=("run", "seq"), name="step_seq_once"),
                models.UniqueConstraint(condition=models.Q(("kind", "tool_result")), fields=("run", "call_id"), name="tool_result_once"),
            ],
        }),
        migrations.CreateModel("ConversationFile", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("name", models.CharField(max_length=120)), ("mime", models.CharField(max_length=100)),
            ("sha256", models.CharField(max_length=64)), ("size", models.PositiveBigIntegerField(help_text="Bytes.")),
            ("untrusted", models.BooleanField(default=True, help_text="People other than the reader may have written it.")),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("conversation", models.ForeignKey(blank=True, null=True, on_delete=models.CASCADE, related_name="files", to="runs.conversation")),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
            ("run", models.ForeignKey(blank=True, null=True, on_delete=models.CASCADE, related_name="files", to="runs.run")),
        ], {
            "ordering": ["created", "id"],
            "constraints": [models.UniqueConstraint(fields=("run", "sha256", "name"), name="file_once_per_run")],
        }),
        migrations.CreateModel("DelegationRow", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("call_id", models.CharField(max_length=64)),
            ("tool", models.CharField(help_text="Name of the tool that was called.", max_length=64)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("child", models.ForeignKey(on_delete=models.CASCADE, related_name="askers", to="runs.run")),
            ("parent", models.ForeignKey(on_delete=models.CASCADE, related_name="delegations", to="runs.run")),
        ], {
            "ordering": ["created", "id"],
            "constraints": [models.UniqueConstraint(fields=("parent", "call_id"), name="call_delegated_once")],
        }),
        migrations.AddField("conversation", "asked_in", models.ForeignKey(blank=True, null=True, on_delete=models.CASCADE, related_name="+", to="runs.run")),
    ]
