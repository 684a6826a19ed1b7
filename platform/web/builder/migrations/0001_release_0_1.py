import uuid

import django.core.validators
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import web.builder.models


class Migration(migrations.Migration):
    replaces = [("builder", name) for name in """
        0001_initial 0002_publish_when_ready 0003_decisions_on_files 0004_actions 0005_capabilities 0006_colleagues
    """.split()]
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.CreateModel("Gpt", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("slug", models.SlugField(max_length=70, unique=True)), ("name", models.CharField(max_length=50)),
            ("description", models.CharField(blank=True, max_length=300)),
            ("instructions", models.TextField(blank=True, max_length=8000, validators=[django.core.validators.MaxLengthValidator(8000)])),
            ("starters", models.JSONField(blank=True, default=list, validators=[web.builder.models.validate_starters])),
            ("category", models.CharField(choices=[("writing", "Writing"), ("research", "Research"), ("programming", "Programming"), ("education", "Education"), ("work", "Work"), ("home", "Home"), ("other", "Other")], default="other", max_length=20)),
            ("only_from_knowledge", models.BooleanField(default=False)),
            ("temperature", models.FloatField(default=0.2, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(2.0)])),
            ("max_tokens", models.PositiveIntegerField(default=400, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(8192)])),
            ("face", models.CharField(blank=True, help_text="Key of an icon; empty: chosen by name.", max_length=20)),
            ("picture", models.ImageField(blank=True, upload_to="")),
            ("sharing", models.CharField(choices=[("me", "Only me"), ("link", "Anyone with the link"), ("store", "Everyone")], default="me", max_length=10)),
            ("link_secret", models.CharField(blank=True, max_length=50)),
            ("featured", models.BooleanField(default=False)), ("created", models.DateTimeField(auto_now_add=True)),
            ("changed", models.DateTimeField(auto_now=True)),
            ("deleted", models.DateTimeField(blank=True, null=True)),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, related_name="gpts", to=settings.AUTH_USER_MODEL)),
            ("publish_when_ready", models.BooleanField(default=False, help_text="Publish once every file is ready.")),
            ("files_downloadable", models.BooleanField(default=False, help_text="People can download cited files.")),
            ("capabilities", models.JSONField(blank=True, default=list, validators=[web.builder.models.validate_capabilities])),
            ("a2a", models.BooleanField(default=False, help_text="Available as an A2A agent.")),
            ("asks_all", models.BooleanField(default=False, help_text="Every question goes to all GPTs it can ask.")),
            ("asks_store", models.BooleanField(default=False, help_text="It can ask GPTs from the store.")),
        ], {
            "ordering": ["-changed"],
            "indexes": [models.Index(fields=["sharing", "category"], name="gpt_store_shelf")],
        }),
        migrations.CreateModel("GptVersion", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("number", models.PositiveIntegerField(blank=True, null=True)), ("data", models.JSONField()),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("gpt", models.ForeignKey(on_delete=models.CASCADE, related_name="versions", to="builder.gpt")),
        ], {
            "ordering": ["-id"],
            "constraints": [models.UniqueConstraint(fields=("gpt", "number"), name="version_number_once")],
        }),
        migrations.CreateModel("KnowledgeFile", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("name", models.CharField(max_length=255)), ("sha256", models.CharField(max_length=64)),
            ("size", models.PositiveBigIntegerField(help_text="Bytes.")),
            ("status", models.CharField(choices=[("received", "Waiting"), ("parsing", "Reading"), ("embedding", "Embedding"), ("ready", "Ready"), ("quarantined", "Needs your review"), ("failed", "Failed"), ("cancelled", "Cancelled")], default="received", max_length=12)),
            ("n_done", models.PositiveIntegerField(default=0, help_text="Chunks embedded so far.")),
            ("n_chunks", models.PositiveIntegerField(default=0)),
            ("n_pages", models.PositiveIntegerField(default=0, help_text="0 if the format has no pages.")),
            ("n_tokens", models.PositiveIntegerField(default=0)),
            ("segment", models.CharField(blank=True, max_length=80)),
            ("error", models.CharField(blank=True, max_length=300)),
            ("claimed_until", models.DateTimeField(blank=True, help_text="Until when a worker has claimed it.", null=True)),
            ("woken", models.DateTimeField(default=django.utils.timezone.now, help_text="When indexing was last requested.")),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("removed", models.DateTimeField(blank=True, help_text="When it left the draft; versions keep it.", null=True)),
            ("gpt", models.ForeignKey(on_delete=models.CASCADE, related_name="files", to="builder.gpt")),
            ("decisions", models.JSONField(blank=True, default=dict)),
            ("findings", models.JSONField(blank=True, default=list)),
            ("language", models.CharField(blank=True, help_text="ISO 639-1; empty if unknown.", max_length=8)),
            ("n_read", models.PositiveIntegerField(default=0, help_text="Pages read so far.")),
            ("notices", models.JSONField(blank=True, default=list)),
            ("replaces", models.ForeignKey(blank=True, help_text="The file that this one replaces once it is ready.", null=True, on_delete=models.SET_NULL, related_name="replacements", to="builder.knowledgefile")),
            ("started", models.DateTimeField(blank=True, help_text="When the current status began.", null=True)),
            ("unit", models.CharField(default="page", help_text="What counts as a page.", max_length=10)),
        ], {
            "ordering": ["created", "id"],
            "indexes": [
                models.Index(fields=["status", "claimed_until"], name="file_to_index"),
                models.Index(fields=["sha256", "status"], name="file_known_here"),
            ],
            "constraints": [
                models.UniqueConstraint(condition=models.Q(("removed", None)), fields=("gpt", "sha256"), name="file_once_per_gpt"),
            ],
        }),
        migrations.CreateModel("LinkGrant", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("gpt", models.ForeignKey(on_delete=models.CASCADE, related_name="link_grants", to="builder.gpt")),
            ("user", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
        ], {"constraints": [models.UniqueConstraint(fields=("gpt", "user"), name="link_grant_once")]}),
        migrations.CreateModel("Action", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("name", models.CharField(max_length=80)),
            ("auth", models.CharField(choices=[("none", "None"), ("bearer", "API key (Bearer)"), ("basic", "Username and password (Basic)"), ("header", "API key (custom header)"), ("oauth", "OAuth 2 (each person signs in)")], default="none", max_length=8)),
            ("header", models.CharField(blank=True, max_length=80)),
            ("oauth", models.JSONField(blank=True, default=dict)), ("secret", models.TextField(blank=True)),
            ("secret_host", models.CharField(blank=True, max_length=300)),
            ("privacy_url", models.URLField(blank=True, help_text="The service's privacy policy.", max_length=500)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("removed", models.DateTimeField(blank=True, help_text="When it left the draft; versions keep it.", null=True)),
            ("document", models.TextField(blank=True)),
            ("document_url", models.CharField(blank=True, max_length=2000)),
            ("base_url", models.CharField(max_length=500)),
            ("listed", models.JSONField(blank=True, default=list, help_text="Every operation in the document.")),
            ("operations", models.JSONField(blank=True, default=list, help_text="The operations that the GPT can call.")),
            ("warnings", models.JSONField(blank=True, default=list)),
            ("gpt", models.ForeignKey(on_delete=models.CASCADE, related_name="actions", to="builder.gpt")),
        ], {"ordering": ["created", "id"]}),
        migrations.CreateModel("McpServerRow", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("name", models.CharField(max_length=80)),
            ("auth", models.CharField(choices=[("none", "None"), ("bearer", "API key (Bearer)"), ("basic", "Username and password (Basic)"), ("header", "API key (custom header)"), ("oauth", "OAuth 2 (each person signs in)")], default="none", max_length=8)),
            ("header", models.CharField(blank=True, max_length=80)),
            ("oauth", models.JSONField(blank=True, default=dict)), ("secret", models.TextField(blank=True)),
            ("secret_host", models.CharField(blank=True, max_length=300)),
            ("privacy_url", models.URLField(blank=True, help_text="The service's privacy policy.", max_length=500)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("removed", models.DateTimeField(blank=True, help_text="When it left the draft; versions keep it.", null=True)),
            ("url", models.CharField(blank=True, max_length=2000)),
            ("command", models.JSONField(blank=True, default=list)),
            ("trusted", models.BooleanField(default=False, help_text="Skip confirmation for tools the server marks read-only.")),
            ("tools", models.JSONField(blank=True, default=list)),
            ("gpt", models.ForeignKey(on_delete=models.CASCADE, related_name="mcp_servers", to="builder.gpt")),
        ], {"ordering": ["created", "id"]}),
        migrations.CreateModel("SignIn", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("host", models.CharField(blank=True, max_length=300)), ("sealed", models.TextField(blank=True)),
            ("pending", models.TextField(blank=True)),
            ("refreshing_until", models.DateTimeField(blank=True, help_text="Until when a worker has claimed it.", null=True)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("action", models.ForeignKey(on_delete=models.CASCADE, related_name="sign_ins", to="builder.action")),
            ("user", models.ForeignKey(on_delete=models.CASCADE, related_name="sign_ins", to=settings.AUTH_USER_MODEL)),
        ], {"constraints": [models.UniqueConstraint(fields=("user", "action"), name="sign_in_once")]}),
        migrations.CreateModel("RemoteAgentRow", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("name", models.CharField(max_length=80)),
            ("auth", models.CharField(choices=[("none", "None"), ("bearer", "API key (Bearer)"), ("basic", "Username and password (Basic)"), ("header", "API key (custom header)"), ("oauth", "OAuth 2 (each person signs in)")], default="none", max_length=8)),
            ("header", models.CharField(blank=True, max_length=80)),
            ("oauth", models.JSONField(blank=True, default=dict)), ("secret", models.TextField(blank=True)),
            ("secret_host", models.CharField(blank=True, max_length=300)),
            ("privacy_url", models.URLField(blank=True, help_text="The service's privacy policy.", max_length=500)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("removed", models.DateTimeField(blank=True, help_text="When it left the draft; versions keep it.", null=True)),
            ("card_url", models.CharField(max_length=2000)),
            ("url", models.CharField(help_text="The URL for calls, from the card.", max_length=2000)),
            ("description", models.TextField(blank=True)), ("examples", models.JSONField(blank=True, default=list)),
            ("when", models.CharField(blank=True, help_text="When to ask it.", max_length=300)),
            ("timeout_s", models.PositiveIntegerField(default=120)),
            ("gpt", models.ForeignKey(on_delete=models.CASCADE, related_name="remote_agents", to="builder.gpt")),
        ], {"ordering": ["created", "id"]}),
        migrations.CreateModel("ColleagueRow", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("when", models.CharField(blank=True, help_text="When to ask it.", max_length=300)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("colleague", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to="builder.gpt")),
            ("gpt", models.ForeignKey(on_delete=models.CASCADE, related_name="colleagues", to="builder.gpt")),
        ], {
            "ordering": ["created", "id"],
            "constraints": [
                models.UniqueConstraint(fields=("gpt", "colleague"), name="colleague_once"),
                models.CheckConstraint(condition=models.Q(("gpt", models.F("colleague")), _negated=True), name="colleague_is_another"),
            ],
        }),
        migrations.AddField("gpt", "published", models.ForeignKey(blank=True, null=True, on_delete=models.SET_NULL, related_name="+", to="builder.gptversion")),
    ]
