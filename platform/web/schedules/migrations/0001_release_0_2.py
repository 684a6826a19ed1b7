import uuid

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [("schedules", name) for name in """
        0001_schedules 0002_inputs 0003_deliveries_are_of_accounts
    """.split()]
    dependencies = [("runs", "0002_release_0_2")]
    operations = [
        migrations.CreateModel("Schedule", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("name", models.CharField(max_length=80)), ("text", models.TextField()),
            ("trigger", models.CharField(choices=[("time", "Time"), ("webhook", "Webhook")], default="time", max_length=7)),
            ("cron", models.CharField(blank=True, help_text="Five fields, as in a crontab.", max_length=100)),
            ("time_zone", models.CharField(max_length=64)), ("next_at", models.DateTimeField(blank=True, null=True)),
            ("paused", models.DateTimeField(blank=True, null=True)), ("paused_why", models.TextField(blank=True)),
            ("n_failed", models.PositiveSmallIntegerField(default=0, help_text="How often in a row.")),
            ("hash", models.CharField(blank=True, max_length=64)),
            ("mails", models.BooleanField(default=False, help_text="Results are also sent to the owner's email address.")),
            ("callback_url", models.CharField(blank=True, max_length=1000)),
            ("callback_secret", models.TextField(blank=True)),
            ("revision", models.PositiveIntegerField(default=1, help_text="Counts its owner's changes.")),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("conversation", models.ForeignKey(blank=True, null=True, on_delete=models.SET_NULL, related_name="+", to="runs.conversation")),
            ("gpt", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to="builder.gpt")),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, related_name="schedules", to=settings.AUTH_USER_MODEL)),
            ("inputs", models.JSONField(blank=True, default=dict, help_text="Values of the GPT’s inputs, by name.")),
        ], {
            "ordering": ["-created", "-id"],
            "indexes": [
                models.Index(condition=models.Q(("next_at", None), _negated=True), fields=["next_at"], name="schedule_due"),
                models.Index(fields=["owner", "-created"], name="schedules_of_owner"),
            ],
        }),
        migrations.CreateModel("ScheduledRun", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("by", models.CharField(choices=[("time", "Time"), ("webhook", "Webhook"), ("person", "Person")], max_length=7)),
            ("received", models.TextField(blank=True)), ("key", models.CharField(blank=True, max_length=64)),
            ("note", models.TextField(blank=True)), ("created", models.DateTimeField(auto_now_add=True)),
            ("started", models.DateTimeField(blank=True, null=True)),
            ("settled", models.DateTimeField(blank=True, null=True)),
            ("run", models.OneToOneField(blank=True, null=True, on_delete=models.SET_NULL, related_name="+", to="runs.run")),
            ("schedule", models.ForeignKey(on_delete=models.CASCADE, related_name="runs", to="schedules.schedule")),
        ], {
            "ordering": ["-created", "-id"],
            "indexes": [
                models.Index(fields=["schedule", "-created"], name="runs_of_schedule"),
                models.Index(condition=models.Q(("settled", None)), fields=["created"], name="scheduled_run_open"),
            ],
            "constraints": [
                models.UniqueConstraint(condition=models.Q(("key", ""), _negated=True), fields=("schedule", "key"), name="webhook_call_once"),
            ],
        }),
    ]
