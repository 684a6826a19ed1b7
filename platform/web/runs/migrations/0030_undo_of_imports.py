import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0029_context_ids_of_programs")]

    operations = [
        migrations.AddField(
            model_name="chatimport",
            name="unreadable",
            field=models.JSONField(default=list, help_text="Titles of the first that could not be read."),
        ),
        migrations.AddField(
            model_name="importedchat",
            name="chat_import",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="chats", to="runs.chatimport"
            ),
        ),
    ]
