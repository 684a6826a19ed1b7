import uuid

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [("moderation", name) for name in """
        0001_cases 0002_reports_of_reviews 0003_cases_about_accounts
    """.split()]
    dependencies = [("store", "0001_release_0_2")]
    operations = [
        migrations.CreateModel("Case", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("decision", models.CharField(blank=True, choices=[("none", "No action"), ("unlist", "Withdrawn from the store"), ("withdraw", "Withdrawn altogether"), ("remove", "Removed"), ("suspend", "Account suspended")], max_length=8)),
            ("note", models.TextField(blank=True)), ("decided", models.DateTimeField(blank=True, null=True)),
            ("appeal", models.TextField(blank=True)), ("appealed", models.DateTimeField(blank=True, null=True)),
            ("answer", models.TextField(blank=True)), ("answered", models.DateTimeField(blank=True, null=True)),
            ("reversed", models.BooleanField(default=False, help_text="Whether the appeal was granted.")),
            ("seen", models.BooleanField(default=True)),
            ("by", models.ForeignKey(blank=True, null=True, on_delete=models.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
            ("gpt", models.ForeignKey(blank=True, null=True, on_delete=models.CASCADE, related_name="cases", to="builder.gpt")),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, related_name="cases", to=settings.AUTH_USER_MODEL)),
            ("review", models.ForeignKey(blank=True, null=True, on_delete=models.CASCADE, related_name="cases", to="store.review")),
            ("share", models.ForeignKey(blank=True, null=True, on_delete=models.CASCADE, related_name="cases", to="runs.share")),
        ], {
            "verbose_name": "reported thing",
            "verbose_name_plural": "reports",
            "ordering": ["-created", "-id"],
            "indexes": [
                models.Index(fields=["-created", "-id"], name="case_newest"),
                models.Index(condition=models.Q(("decided", None)), fields=["created"], name="case_open"),
                models.Index(condition=models.Q(("answered", None)), fields=["appealed"], name="case_appealed"),
            ],
            "constraints": [
                models.UniqueConstraint(condition=models.Q(("decided", None)), fields=("gpt",), name="case_open_once_per_gpt"),
                models.UniqueConstraint(condition=models.Q(("decided", None)), fields=("review",), name="case_open_once_per_review"),
                models.UniqueConstraint(condition=models.Q(("decided", None)), fields=("share",), name="case_open_once_per_share"),
                models.CheckConstraint(condition=models.Q(models.Q(("review", None), ("share", None)), models.Q(("gpt", None), ("share", None)), models.Q(("gpt", None), ("review", None)), _connector="OR"), name="case_about_one_thing_at_most"),
                models.CheckConstraint(condition=models.Q(("gpt__isnull", False), ("review__isnull", False), ("share__isnull", False), ("decided__isnull", False), _connector="OR"), name="case_about_account_is_decided"),
            ],
        }),
        migrations.CreateModel("Report", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("reason", models.CharField(choices=[("harmful", "Harmful or illegal"), ("hate", "Hateful or harassing"), ("sexual", "Sexual content"), ("deceptive", "Scam, spam or misleading"), ("rights", "Uses somebody’s work or name without permission"), ("private", "Shows private data"), ("other", "Something else")], default="other", max_length=9)),
            ("text", models.TextField(blank=True)), ("created", models.DateTimeField(auto_now_add=True)),
            ("case", models.ForeignKey(on_delete=models.CASCADE, related_name="reports", to="moderation.case")),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
        ], {
            "ordering": ["created", "id"],
            "indexes": [models.Index(fields=["owner", "created"], name="reports_of_a_day")],
            "constraints": [models.UniqueConstraint(fields=("case", "owner"), name="reported_once")],
        }),
    ]
