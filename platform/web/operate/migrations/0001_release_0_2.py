import django.core.validators
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [("operate", name) for name in """
        0001_measured_model 0002_chosen_model 0003_model_downloads 0004_backups 0005_backups_in_the_console
        0006_measure_again 0007_measure_verifying 0008_measure_reading 0009_connected_models 0010_failed_checks
        0011_check_connected 0012_model_groups
    """.split()]
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.CreateModel("MeasuredModel", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("fingerprint", models.CharField(max_length=64, unique=True)), ("name", models.CharField(max_length=200)),
            ("figures", models.JSONField(default=dict)), ("measured", models.JSONField(default=dict)),
            ("overrides", models.JSONField(default=dict)), ("seconds", models.FloatField(default=0.0)),
            ("measuring_since", models.DateTimeField(blank=True, null=True)),
            ("measured_at", models.DateTimeField(blank=True, null=True)),
            ("seen_at", models.DateTimeField(default=django.utils.timezone.now, null=True)),
            ("failure", models.CharField(blank=True, max_length=500)),
            ("retry_at", models.DateTimeField(blank=True, null=True)),
        ], {"ordering": ["-seen_at"]}),
        migrations.CreateModel("ChosenModel", [
            ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
            ("base_model", models.CharField(max_length=1000)),
            ("chosen_at", models.DateTimeField(default=django.utils.timezone.now)),
            ("trouble", models.CharField(blank=True, max_length=500)),
        ], {"constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="one_chosen_model")]}),
        migrations.CreateModel("ModelDownload", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(max_length=200, unique=True)),
            ("status", models.CharField(choices=[("waiting", "Waiting"), ("downloading", "Downloading"), ("offered", "Waiting for you"), ("failed", "Failed"), ("cancelled", "Stopped"), ("done", "Downloaded")], default="waiting", max_length=12)),
            ("accepted", models.CharField(blank=True, max_length=300)),
            ("licence", models.CharField(blank=True, max_length=300)),
            ("misfit", models.CharField(blank=True, max_length=300)), ("total", models.BigIntegerField(default=0)),
            ("done", models.BigIntegerField(default=0)), ("speed", models.FloatField(default=0.0)),
            ("error", models.CharField(blank=True, max_length=500)),
            ("path", models.CharField(blank=True, max_length=1000)),
            ("automatic", models.BooleanField(default=False)),
            ("retry_at", models.DateTimeField(blank=True, null=True)),
            ("claim", models.CharField(blank=True, max_length=32)),
            ("claimed_until", models.DateTimeField(blank=True, null=True)),
        ]),
        migrations.CreateModel("ModelSurvey", [
            ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
            ("found", models.JSONField(default=dict)),
        ], {"constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="one_model_survey")]}),
        migrations.CreateModel("Backup", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("path", models.CharField(max_length=1000)),
            ("size", models.PositiveBigIntegerField(default=0, help_text="Bytes.")),
            ("n_files", models.PositiveIntegerField(default=0)),
            ("n_missing", models.PositiveIntegerField(default=0)), ("seconds", models.FloatField(default=0)),
            ("error", models.CharField(blank=True, max_length=500)),
            ("created", models.DateTimeField(default=django.utils.timezone.now)),
            ("by", models.ForeignKey(blank=True, null=True, on_delete=models.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
            ("origin", models.CharField(choices=[("schedule", "The schedule"), ("command", "A command"), ("person", "An admin")], default="command", max_length=8)),
            ("state", models.CharField(choices=[("waiting", "Waiting for a worker"), ("running", "Being written"), ("checked", "Being verified"), ("ready", "Ready"), ("failed", "Failed")], default="ready", max_length=8)),
            ("verified", models.DateTimeField(blank=True, null=True)),
        ], {"ordering": ["-created", "-id"]}),
        migrations.CreateModel("ConnectedModel", [
            ("name", models.CharField(max_length=40, primary_key=True, serialize=False)),
            ("title", models.CharField(max_length=60, unique=True)), ("url", models.CharField(max_length=500)),
            ("model", models.CharField(max_length=200)), ("key", models.TextField(blank=True)),
            ("fallback", models.CharField(default="default", max_length=40)),
            ("allowed", models.CharField(choices=[("everyone", "Everyone"), ("groups", "People in some groups"), ("operators", "Only admins")], default="everyone", max_length=10)),
            ("context_tokens", models.PositiveIntegerField(default=0)),
            ("ability", models.JSONField(blank=True, default=dict)),
            ("reads_tokens", models.PositiveIntegerField(blank=True, null=True)),
            ("input_price", models.FloatField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(0)])),
            ("output_price", models.FloatField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(0)])),
            ("is_ready", models.BooleanField(editable=False, null=True)),
            ("check_since", models.DateTimeField(editable=False, null=True)),
            ("check_state", models.CharField(blank=True, choices=[("waiting", "Waiting"), ("running", "Running")], editable=False, max_length=7)),
            ("check_trouble", models.CharField(blank=True, editable=False, max_length=300)),
            ("is_picked", models.BooleanField(default=False, editable=False)),
            ("record", models.ForeignKey(editable=False, null=True, on_delete=models.SET_NULL, related_name="+", to="operate.measuredmodel")),
            ("groups", models.ManyToManyField(blank=True, related_name="+", to="auth.group")),
        ], {"ordering": ["title"]}),
    ]
