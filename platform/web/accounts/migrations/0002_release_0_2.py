import uuid

import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from web.accounts import audit


def run(statements):
    """Runs the statements for this kind of database."""
    return lambda apps, editor: [editor.execute(sql) for sql in statements[editor.connection.vendor]]


def give_scopes(apps, schema_editor):
    """Keys keep what they could do: everything but approve."""
    apps.get_model("accounts", "ApiKey").objects.update(scopes=["chat", "read", "manage"])


class Migration(migrations.Migration):
    replaces = [("accounts", name) for name in """
        0002_keys_that_may_approve 0003_quotas 0004_programs_and_grants 0005_hints_seen 0006_language_of_a_person
        0007_audit_log 0008_sign_outs 0009_invitations 0010_given_groups 0011_group_quotas 0012_erased_persons
        0013_live_settings 0014_key_scopes 0015_scopes_of_existing_keys 0016_directories
        0017_deliveries_of_schedules 0018_webhooks 0019_single_sign_on 0020_moderators
    """.split()]
    dependencies = [("accounts", "0001_initial"), ("schedules", "0001_release_0_2")]
    operations = [
        migrations.CreateModel("DailyUse", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("day", models.DateField()), ("kind", models.CharField(max_length=12)),
            ("n", models.PositiveBigIntegerField(default=0)),
            ("user", models.ForeignKey(on_delete=models.CASCADE, related_name="daily_use", to=settings.AUTH_USER_MODEL)),
        ], {"constraints": [models.UniqueConstraint(fields=("user", "day", "kind"), name="use_once_per_day")]}),
        migrations.CreateModel("QuotaLimit", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("kind", models.CharField(max_length=20)),
            ("most", models.PositiveBigIntegerField(blank=True, help_text="Empty: no limit.", null=True)),
            ("user", models.ForeignKey(blank=True, null=True, on_delete=models.CASCADE, related_name="quota_limits", to=settings.AUTH_USER_MODEL)),
            ("group", models.ForeignKey(blank=True, null=True, on_delete=models.CASCADE, related_name="quota_limits", to="auth.group")),
        ], {
            "constraints": [
                models.UniqueConstraint(fields=("user", "kind"), name="quota_once_per_person"),
                models.UniqueConstraint(fields=("group", "kind"), name="quota_once_per_group"),
                models.UniqueConstraint(condition=models.Q(("group", None), ("user", None)), fields=("kind",), name="quota_once_for_everyone"),
                models.CheckConstraint(condition=models.Q(("user", None), ("group", None), _connector="OR"), name="quota_of_person_or_group"),
            ],
        }),
        migrations.CreateModel("Program", [
            ("id", models.CharField(max_length=255, primary_key=True, serialize=False)),
            ("metadata", models.JSONField()), ("read", models.DateTimeField()),
        ], {"indexes": [models.Index(fields=["read"], name="accounts_pr_read_92dad7_idx")]}),
        migrations.CreateModel("Grant", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("resource", models.CharField(max_length=255)), ("created", models.DateTimeField(auto_now_add=True)),
            ("last_used", models.DateTimeField(blank=True, null=True)),
            ("user", models.ForeignKey(on_delete=models.CASCADE, related_name="grants", to=settings.AUTH_USER_MODEL)),
            ("program", models.ForeignKey(on_delete=models.CASCADE, related_name="grants", to="accounts.program")),
        ], {"ordering": ["-created"]}),
        migrations.CreateModel("GrantToken", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("kind", models.CharField(choices=[("code", "Code"), ("access", "Access"), ("refresh", "Refresh")], max_length=7)),
            ("hash", models.CharField(max_length=64, unique=True)), ("expires", models.DateTimeField()),
            ("used", models.DateTimeField(blank=True, null=True)), ("request", models.JSONField(default=dict)),
            ("grant", models.ForeignKey(on_delete=models.CASCADE, related_name="tokens", to="accounts.grant")),
        ], {"indexes": [models.Index(fields=["expires"], name="accounts_gr_expires_213c6a_idx")]}),
        migrations.CreateModel("AuditRow", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("at", models.DateTimeField(auto_now_add=True)), ("act", models.CharField(max_length=30)),
            ("about_kind", models.CharField(blank=True, max_length=40)),
            ("about_id", models.CharField(blank=True, max_length=200)), ("facts", models.JSONField(default=dict)),
            ("by", models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=models.DO_NOTHING, related_name="+", to=settings.AUTH_USER_MODEL)),
        ], {
            "verbose_name": "entry of the audit log",
            "verbose_name_plural": "audit log",
            "db_table": "accounts_audit",
            "ordering": ["-id"],
            "indexes": [
                models.Index(fields=["at"], name="audit_at"), models.Index(fields=["act", "-id"], name="audit_act"),
                models.Index(fields=["by", "-id"], name="audit_by"),
                models.Index(fields=["about_kind", "about_id", "-id"], name="audit_about"),
            ],
        }),
        migrations.CreateModel("Invitation", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(help_text="What it is for; only admins see it.", max_length=60)),
            ("hash", models.CharField(max_length=64, unique=True)),
            ("created", models.DateTimeField(auto_now_add=True)), ("expires", models.DateTimeField()),
            ("withdrawn", models.DateTimeField(blank=True, null=True)),
            ("most", models.PositiveIntegerField(help_text="How many people may use it.")),
            ("n_used", models.PositiveIntegerField(default=0, editable=False)),
            ("groups", models.ManyToManyField(blank=True, help_text="Groups that they become members of.", to="auth.group")),
            ("people", models.ManyToManyField(blank=True, editable=False, related_name="invitations", to=settings.AUTH_USER_MODEL)),
        ], {
            "ordering": ["-created", "-id"],
            "constraints": [
                models.CheckConstraint(condition=models.Q(("n_used__lte", models.F("most"))), name="invitation_not_overused"),
            ],
        }),
        migrations.CreateModel("GivenGroup", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("source", models.CharField(max_length=40)),
            ("group", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to="auth.group")),
            ("user", models.ForeignKey(on_delete=models.CASCADE, related_name="given_groups", to=settings.AUTH_USER_MODEL)),
        ], {
            "constraints": [
                models.UniqueConstraint(fields=("user", "group", "source"), name="group_given_once_per_source"),
            ],
        }),
        migrations.CreateModel("LiveSetting", [
            ("name", models.CharField(max_length=40, primary_key=True, serialize=False)),
            ("value", models.JSONField()), ("changed", models.DateTimeField(auto_now=True)),
        ]),
        migrations.CreateModel("DirectoryToken", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(help_text="Which directory it is for; only admins see it.", max_length=60)),
            ("prefix", models.CharField(editable=False, max_length=16)),
            ("hash", models.CharField(editable=False, max_length=64, unique=True)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("last_used", models.DateTimeField(blank=True, editable=False, null=True)),
            ("withdrawn", models.DateTimeField(blank=True, editable=False, null=True)),
        ], {"verbose_name": "SCIM token", "ordering": ["-created", "-id"]}),
        migrations.CreateModel("DirectoryEntry", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("external_id", models.CharField(blank=True, db_index=True, max_length=255)),
            ("given_name", models.CharField(blank=True, max_length=100)),
            ("family_name", models.CharField(blank=True, max_length=100)),
            ("suspended", models.BooleanField(default=False)), ("deleted", models.BooleanField(default=False)),
            ("group", models.OneToOneField(null=True, on_delete=models.CASCADE, related_name="directory_entry", to="auth.group")),
            ("user", models.OneToOneField(null=True, on_delete=models.CASCADE, related_name="directory_entry", to=settings.AUTH_USER_MODEL)),
        ], {
            "constraints": [
                models.CheckConstraint(condition=models.Q(models.Q(("group__isnull", False), ("user", None)), models.Q(("group", None), ("user__isnull", False)), _connector="OR"), name="directory_entry_of_person_or_group"),
            ],
        }),
        migrations.CreateModel("Webhook", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("url", models.CharField(max_length=1000, verbose_name="URL")),
            ("secret", models.TextField(editable=False)), ("events", models.JSONField(default=list)),
            ("n_failed", models.PositiveSmallIntegerField(default=0, editable=False)),
            ("failing", models.DateTimeField(blank=True, editable=False, null=True)),
            ("stopped", models.DateTimeField(blank=True, editable=False, null=True)),
            ("stopped_why", models.TextField(blank=True, editable=False)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("gpt", models.ForeignKey(blank=True, null=True, on_delete=models.CASCADE, related_name="webhooks", to="builder.gpt")),
        ], {"ordering": ["-created", "-id"]}),
        migrations.CreateModel("Delivery", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("event", models.CharField(max_length=40)),
            ("kind", models.CharField(choices=[("mail", "Mail"), ("webhook", "Webhook")], max_length=7)),
            ("next_try", models.DateTimeField(blank=True, default=django.utils.timezone.now, null=True)),
            ("n_tries", models.PositiveSmallIntegerField(default=0)), ("error", models.TextField(blank=True)),
            ("sent", models.DateTimeField(blank=True, null=True)),
            ("scheduled", models.ForeignKey(blank=True, null=True, on_delete=models.CASCADE, related_name="deliveries", to="schedules.scheduledrun")),
            ("about", models.CharField(blank=True, max_length=80)),
            ("created", models.DateTimeField(default=django.utils.timezone.now)),
            ("facts", models.JSONField(default=dict)), ("lane", models.CharField(blank=True, max_length=60)),
            ("person", models.ForeignKey(blank=True, null=True, on_delete=models.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
            ("webhook", models.ForeignKey(blank=True, null=True, on_delete=models.CASCADE, related_name="deliveries", to="accounts.webhook")),
        ], {
            "db_table": None,
            "indexes": [
                models.Index(condition=models.Q(("next_try", None), _negated=True), fields=["next_try"], name="delivery_due"),
                models.Index(fields=["webhook", "-created"], name="deliveries_of_webhook"),
                models.Index(fields=["created"], name="delivery_created"),
            ],
            "constraints": [
                models.UniqueConstraint(fields=("scheduled", "event", "kind"), name="delivery_once"),
                models.UniqueConstraint(condition=models.Q(("person", None), _negated=True), fields=("person", "event", "about"), name="notice_once"),
            ],
        }),
        migrations.CreateModel("SignInProvider", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("kind", models.CharField(choices=[("oidc", "OpenID Connect"), ("saml", "SAML")], default="oidc", editable=False, max_length=4)),
            ("name", models.CharField(help_text="In addresses: lower-case letters, digits and hyphens.", max_length=30, unique=True)),
            ("is_on", models.BooleanField(default=True, help_text="Off: no button, and nobody signs in with it.", verbose_name="on")),
            ("table", models.JSONField(default=dict, editable=False)),
            ("sealed", models.TextField(blank=True, editable=False)),
            ("created", models.DateTimeField(auto_now_add=True)),
        ], {"verbose_name": "provider", "verbose_name_plural": "single sign-on", "ordering": ["name"]}),
        migrations.AlterModelOptions("user", {"verbose_name": "person", "verbose_name_plural": "people"}),
        migrations.AddField("apikey", "scopes", models.JSONField(default=list, help_text="What programs with it may do: some of Scope.")),
        migrations.AddField("user", "erased", models.DateTimeField(blank=True, editable=False, help_text="When the account was closed.", null=True)),
        migrations.AddField("user", "hints_seen", models.JSONField(blank=True, default=list, help_text="Names of the hints that they dismissed.")),
        migrations.AddField("user", "is_moderator", models.BooleanField(default=False, help_text="Decides reports and store listings, and hides reviews.", verbose_name="Moderator")),
        migrations.AddField("user", "language", models.CharField(blank=True, help_text="Of pages; empty: the browser’s.", max_length=10)),
        migrations.AddField("user", "notifications_off", models.JSONField(blank=True, default=list, help_text="Kinds of email that they don’t want.")),
        migrations.AddField("user", "sign_outs", models.PositiveIntegerField(default=0, help_text="How often all their sessions were ended.")),
        migrations.RunPython(run(audit.CREATE), run(audit.DROP)),
        migrations.RunPython(give_scopes, migrations.RunPython.noop),
    ]
