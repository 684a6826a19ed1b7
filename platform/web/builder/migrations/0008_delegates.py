"""Colleagues are called delegates. Versions keep their JSON as it was written: `GptSpec` reads both names."""

from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("builder", "0007_use_files_with_hints")]

    operations = [
        migrations.RenameField("gpt", "asks_all", "delegates_to_all"),
        migrations.RenameField("gpt", "asks_store", "delegates_to_store"),
        migrations.RemoveConstraint("colleaguerow", "colleague_is_another"),
        migrations.RemoveConstraint("colleaguerow", "colleague_once"),
        migrations.RenameModel("ColleagueRow", "DelegateRow"),
        migrations.RenameField("delegaterow", "colleague", "delegate"),
        migrations.AlterField(
            "delegaterow", "gpt", models.ForeignKey(on_delete=models.CASCADE, related_name="delegates", to="builder.gpt")
        ),
        migrations.AddConstraint(
            "delegaterow", models.UniqueConstraint(fields=["gpt", "delegate"], name="delegate_once")
        ),
        migrations.AddConstraint(
            "delegaterow", models.CheckConstraint(condition=~Q(gpt=F("delegate")), name="delegate_is_another")
        ),
    ]
