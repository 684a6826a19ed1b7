import uuid

import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import web.runs.models_chats


# The fields of a file that a worker reads.
READING = [
    ("n_read", models.PositiveIntegerField(default=0, help_text="Pages read so far.")),
    ("n_done", models.PositiveIntegerField(default=0, help_text="Chunks embedded so far.")),
    ("n_chunks", models.PositiveIntegerField(default=0)),
    ("n_pages", models.PositiveIntegerField(default=0, help_text="0 if the format has no pages.")),
    ("n_tokens", models.PositiveIntegerField(default=0)),
    ("unit", models.CharField(default="page", help_text="What counts as a page.", max_length=10)),
    ("language", models.CharField(blank=True, help_text="ISO 639-1; empty if unknown.", max_length=8)),
    ("notices", models.JSONField(blank=True, default=list)), ("segment", models.CharField(blank=True, max_length=80)),
    ("error", models.CharField(blank=True, max_length=300)),
    ("started", models.DateTimeField(blank=True, help_text="When the current status began.", null=True)),
    ("claimed_until", models.DateTimeField(blank=True, help_text="Until when a worker has claimed it.", null=True)),
    ("woken", models.DateTimeField(default=django.utils.timezone.now, help_text="When indexing was last requested.")),
]


class Migration(migrations.Migration):
    replaces = [("runs", name) for name in """
        0004_delegations_by_their_parents 0005_creator_questions 0006_read_attachments 0007_idempotent_requests
        0008_binding_of_permissions 0010_queue_of_runs 0011_files_by_person 0012_label_of_made_files
        0013_conversations_of_programs 0014_uploads_of_programs 0015_vector_stores_and_low_priority 0016_branches
        0017_queue_feedback_and_shares 0018_pins_archive_temporary 0019_memory 0020_projects 0021_app_calls
        0022_chats_of_widgets 0023_imported_chats 0024_times_that_can_be_given 0025_draft_changes
        0026_inputs_of_conversations 0027_runs_by_day 0028_bytes_of_copied_chats 0029_context_ids_of_programs
    """.split()]
    dependencies = [("runs", "0001_release_0_1"), ("builder", "0002_release_0_2")]
    operations = [
        migrations.RenameField("conversation", "asked_in", "parent_run"),
        migrations.CreateModel("CreatorQuestion", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("text", models.TextField()), ("answer", models.TextField(blank=True)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("closed", models.DateTimeField(blank=True, null=True)), ("seen", models.BooleanField(default=False)),
            ("gpt", models.ForeignKey(on_delete=models.CASCADE, related_name="creator_questions", to="builder.gpt")),
            ("message", models.OneToOneField(on_delete=models.CASCADE, related_name="creator_question", to="runs.message")),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, related_name="creator_questions", to=settings.AUTH_USER_MODEL)),
        ], {
            "ordering": ["created", "id"],
            "indexes": [
                models.Index(fields=["gpt", "closed"], name="creator_question_open"),
                models.Index(fields=["owner", "gpt", "created"], name="creator_question_limit"),
            ],
        }),
        migrations.CreateModel("IdempotentRequest", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("key", models.CharField(blank=True, max_length=64)), ("body", models.CharField(max_length=64)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
            ("run", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to="runs.run")),
        ], {
            "indexes": [models.Index(fields=["owner", "key", "body"], name="request_repeated")],
            "constraints": [
                models.UniqueConstraint(condition=models.Q(("key", ""), _negated=True), fields=("owner", "key"), name="idempotency_key_once"),
            ],
        }),
        migrations.CreateModel("QueueTurn", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("queue", models.CharField(max_length=8)), ("served", models.DateTimeField()),
            ("seconds", models.FloatField(default=0, help_text="How long that work takes, averaged.")),
            ("user", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
        ], {"constraints": [models.UniqueConstraint(fields=("queue", "user"), name="turn_once")]}),
        migrations.CreateModel("VectorStore", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("name", models.CharField(blank=True, max_length=256)),
            ("description", models.CharField(blank=True, max_length=512)),
            ("metadata", models.JSONField(default=dict)),
            ("lasts_days", models.PositiveIntegerField(blank=True, null=True)),
            ("last_active", models.DateTimeField(default=django.utils.timezone.now)),
            ("expires", models.DateTimeField(blank=True, null=True)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, related_name="vector_stores", to=settings.AUTH_USER_MODEL)),
        ], {"ordering": ["created", "id"]}),
        migrations.CreateModel("StoreFile", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("name", models.CharField(max_length=255)), ("sha256", models.CharField(max_length=64)),
            ("size", models.PositiveBigIntegerField(help_text="Bytes.")),
            ("status", models.CharField(choices=[("received", "Waiting"), ("parsing", "Reading"), ("embedding", "Embedding"), ("ready", "Ready"), ("quarantined", "Needs your review"), ("failed", "Failed"), ("cancelled", "Cancelled")], default="received", max_length=12)),
            *READING,
            ("created", models.DateTimeField(auto_now_add=True)), ("attributes", models.JSONField(default=dict)),
            ("upload", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to="runs.conversationfile")),
            ("store", models.ForeignKey(on_delete=models.CASCADE, related_name="files", to="runs.vectorstore")),
        ], {
            "ordering": ["created", "id"],
            "abstract": False,
            "indexes": [
                models.Index(fields=["status", "claimed_until"], name="store_file_to_read"),
                models.Index(fields=["sha256"], name="store_file_known_here"),
            ],
            "constraints": [models.UniqueConstraint(fields=("store", "upload"), name="upload_once_per_store")],
        }),
        migrations.CreateModel("QueuedMessage", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("text", models.TextField(blank=True)),
            ("attachments", models.JSONField(default=list, help_text="Ids of files, which the person has not sent yet.")),
            ("mention", models.CharField(blank=True, max_length=200)), ("stay", models.BooleanField(default=False)),
            ("error", models.TextField(blank=True)),
            ("first", models.BooleanField(default=False, help_text="The person wants it sent before the others.")),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("conversation", models.ForeignKey(on_delete=models.CASCADE, related_name="queued", to="runs.conversation")),
        ], {"ordering": ["-first", "created", "id"]}),
        migrations.CreateModel("Share", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("token", models.CharField(default=web.runs.models_chats._token, max_length=32, unique=True)),
            ("audience", models.CharField(choices=[("people", "People who are signed in here"), ("public", "Anyone with the link")], default="people", max_length=8)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("revoked", models.DateTimeField(blank=True, null=True)),
            ("conversation", models.ForeignKey(on_delete=models.CASCADE, related_name="shares", to="runs.conversation")),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
            ("run", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to="runs.run")),
        ], {"ordering": ["-created"]}),
        migrations.CreateModel("Feedback", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("is_good", models.BooleanField()),
            ("reasons", models.JSONField(default=list, help_text="Keys of feedback.REASONS.")),
            ("text", models.TextField(blank=True)),
            ("shows_chat", models.BooleanField(default=False, help_text="The creator may read the chat up to this answer.")),
            ("created", models.DateTimeField(auto_now_add=True)), ("changed", models.DateTimeField(auto_now=True)),
            ("gpt", models.ForeignKey(on_delete=models.CASCADE, related_name="feedback", to="builder.gpt")),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
            ("run", models.OneToOneField(on_delete=models.CASCADE, related_name="feedback", to="runs.run")),
        ], {
            "ordering": ["-changed"],
            "indexes": [models.Index(fields=["gpt", "-changed"], name="feedback_of_gpt")],
        }),
        migrations.CreateModel("Memory", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("text", models.CharField(max_length=300)), ("created", models.DateTimeField(auto_now_add=True)),
            ("changed", models.DateTimeField(auto_now=True)),
            ("gpt", models.ForeignKey(on_delete=models.CASCADE, related_name="memories", to="builder.gpt")),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, related_name="memories", to=settings.AUTH_USER_MODEL)),
            ("run", models.ForeignKey(blank=True, null=True, on_delete=models.SET_NULL, related_name="+", to="runs.run")),
        ], {
            "ordering": ["created", "id"],
            "constraints": [models.UniqueConstraint(fields=("owner", "gpt", "text"), name="remembered_once")],
        }),
        migrations.CreateModel("Project", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("name", models.CharField(max_length=80)), ("wishes", models.TextField(blank=True)),
            ("created", models.DateTimeField(auto_now_add=True)), ("changed", models.DateTimeField(auto_now=True)),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, related_name="projects", to=settings.AUTH_USER_MODEL)),
        ], {"ordering": ["name"]}),
        migrations.CreateModel("AppCall", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("view", models.CharField(max_length=64)), ("tool", models.CharField(blank=True, max_length=120)),
            ("arguments", models.JSONField(default=dict)), ("address", models.CharField(blank=True, max_length=2000)),
            ("status", models.CharField(choices=[("new", "New"), ("waiting", "Waiting"), ("allowed", "Allowed"), ("started", "Started"), ("done", "Done"), ("failed", "Failed"), ("declined", "Declined")], default="new", max_length=8)),
            ("request", models.JSONField(help_text="What the person was asked to allow, as they saw it.", null=True)),
            ("outcome", models.TextField(blank=True)), ("created", models.DateTimeField(auto_now_add=True)),
            ("ended", models.DateTimeField(blank=True, null=True)),
            ("run", models.ForeignKey(on_delete=models.CASCADE, related_name="app_calls", to="runs.run")),
        ], {"ordering": ["created", "id"]}),
        migrations.CreateModel("ChatImport", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("name", models.CharField(max_length=255)), ("size", models.PositiveBigIntegerField(help_text="Bytes.")),
            ("status", models.CharField(choices=[("waiting", "Waiting"), ("running", "Importing"), ("done", "Done"), ("failed", "Failed")], default="waiting", max_length=8)),
            ("n_new", models.PositiveIntegerField(default=0)),
            ("n_updated", models.PositiveIntegerField(default=0, help_text="Imported before, and changed there since.")),
            ("n_known", models.PositiveIntegerField(default=0, help_text="Imported before, and still the same.")),
            ("n_kept", models.PositiveIntegerField(default=0, help_text="Changed there, but also continued here: left as it is.")),
            ("n_unreadable", models.PositiveIntegerField(default=0)),
            ("n_left_out", models.PositiveIntegerField(default=0)),
            ("error", models.CharField(blank=True, max_length=300)),
            ("claimed_until", models.DateTimeField(blank=True, help_text="Until when a worker has claimed it.", null=True)),
            ("woken", models.DateTimeField(default=django.utils.timezone.now, help_text="When a worker was last asked for.")),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, related_name="chat_imports", to=settings.AUTH_USER_MODEL)),
            ("unreadable", models.JSONField(default=list, help_text="Titles of the first that could not be read.")),
        ], {
            "ordering": ["-created", "id"],
            "indexes": [models.Index(fields=["status", "woken"], name="chat_import_open")],
        }),
        migrations.CreateModel("ImportedChat", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("source", models.CharField(max_length=20)), ("source_id", models.CharField(max_length=100)),
            ("digest", models.CharField(max_length=64)), ("n_answers", models.PositiveIntegerField()),
            ("conversation", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to="runs.conversation")),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
            ("chat_import", models.ForeignKey(null=True, on_delete=models.SET_NULL, related_name="chats", to="runs.chatimport")),
        ], {
            "constraints": [
                models.UniqueConstraint(fields=("owner", "source", "source_id"), name="chat_imported_once"),
            ],
        }),
        migrations.CreateModel("DraftChange", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("call_id", models.CharField(max_length=64)), ("before", models.JSONField(default=dict)),
            ("after", models.JSONField(default=dict)), ("suggested", models.JSONField(default=list)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("undone", models.DateTimeField(blank=True, null=True)),
            ("gpt", models.ForeignKey(on_delete=models.CASCADE, related_name="draft_changes", to="builder.gpt")),
            ("run", models.ForeignKey(on_delete=models.CASCADE, related_name="draft_changes", to="runs.run")),
        ], {
            "ordering": ["id"],
            "constraints": [models.UniqueConstraint(fields=("run", "call_id"), name="draft_changed_once_per_call")],
        }),
        migrations.RemoveIndex("run", "run_to_wake"),
        migrations.AddField("conversation", "archived", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("conversation", "external_id", models.CharField(blank=True, help_text="What the program that began it calls it.", max_length=200)),
        migrations.AddField("conversation", "inputs", models.JSONField(blank=True, default=dict, help_text="Values of its GPT's inputs, by name.")),
        migrations.AddField("conversation", "n_bytes", models.PositiveBigIntegerField(default=0)),
        migrations.AddField("conversation", "pinned", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("conversation", "shown", models.ForeignKey(blank=True, null=True, on_delete=models.SET_NULL, related_name="+", to="runs.run")),
        *(migrations.AddField("conversationfile", name, field) for name, field in READING),
        migrations.AddField("conversationfile", "expires", models.DateTimeField(blank=True, help_text="When an upload is deleted.", null=True)),
        migrations.AddField("conversationfile", "label", models.JSONField(help_text="Label of a file that a tool made; null until its call has ended.", null=True)),
        migrations.AddField("conversationfile", "purpose", models.CharField(blank=True, help_text="What an upload is for; else empty.", max_length=20)),
        migrations.AddField("conversationfile", "removed", models.DateTimeField(blank=True, help_text="When it was removed without being sent.", null=True)),
        migrations.AddField("conversationfile", "status", models.CharField(choices=[("received", "Waiting"), ("parsing", "Reading"), ("embedding", "Embedding"), ("ready", "Ready"), ("quarantined", "Needs your review"), ("failed", "Failed"), ("cancelled", "Cancelled")], default="ready", max_length=12)),
        migrations.AddField("message", "after", models.ForeignKey(blank=True, help_text="Whose answer it follows.", null=True, on_delete=models.CASCADE, related_name="+", to="runs.run")),
        migrations.AddField("permission", "binding", models.CharField(default="", max_length=64), preserve_default=False),
        migrations.AddField("run", "is_low", models.BooleanField(default=False, help_text="Nobody waits for it: it runs when no other run waits.")),
        migrations.AddField("run", "queue", models.CharField(blank=True, help_text="Whose workers advance it: model or tools. Empty: it waits, or is over.", max_length=8)),
        migrations.AddField("run", "queued", models.DateTimeField(default=django.utils.timezone.now, help_text="Its place among the person’s own in that queue.")),
        migrations.AddField("conversation", "project", models.ForeignKey(blank=True, null=True, on_delete=models.SET_NULL, related_name="conversations", to="runs.project")),
        migrations.AddField("conversationfile", "project", models.ForeignKey(blank=True, null=True, on_delete=models.CASCADE, related_name="files", to="runs.project")),
        migrations.AlterField("conversation", "origin", models.CharField(choices=[("chat", "Chat"), ("temporary", "Temporary"), ("preview", "Preview"), ("api", "Api"), ("response", "Response"), ("kept", "Kept"), ("delegation", "Delegation"), ("widget", "Widget"), ("builder", "Builder")], default="chat", max_length=10)),
        migrations.AlterField("conversationfile", "owner", models.ForeignKey(on_delete=models.CASCADE, related_name="conversation_files", to=settings.AUTH_USER_MODEL)),
        migrations.AlterField("delegationrow", "child", models.ForeignKey(on_delete=models.CASCADE, related_name="parent_delegations", to="runs.run")),
        migrations.AlterField("message", "created", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
        migrations.AlterField("run", "created", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
        migrations.AddIndex("run", models.Index(condition=models.Q(("queue", ""), _negated=True), fields=["queue", "owner", "queued"], name="run_next")),
        migrations.AddIndex("run", models.Index(fields=["created"], name="run_by_day")),
        migrations.AddIndex("conversationfile", models.Index(fields=["status", "claimed_until"], name="attachment_to_read")),
        migrations.AddIndex("conversationfile", models.Index(fields=["sha256"], name="attachment_known_here")),
        migrations.AddIndex("conversationfile", models.Index(condition=models.Q(("purpose", ""), _negated=True), fields=["owner", "created"], name="upload_of_owner")),
        migrations.AddConstraint("conversation", models.UniqueConstraint(condition=models.Q(models.Q(("external_id", ""), _negated=True), ("deleted", None)), fields=("owner", "gpt", "external_id"), name="external_id_once")),
    ]
