import uuid

import django.core.validators
from django.conf import settings
from django.db import migrations, models

import web.builder.categories
import web.builder.models
import web.builder.models_widgets
from web.builder import fulltext


def run(statements):
    """Runs the statements for this kind of database."""
    return lambda apps, editor: [editor.execute(sql) for sql in statements[editor.connection.vendor]]


KEYED = ("action", "mcpserverrow", "remoteagentrow")


class Migration(migrations.Migration):
    replaces = [("builder", name) for name in """
        0008_delegates 0009_takes_questions 0010_engine 0011_revision_and_replaced_drafts 0012_read_only_agents
        0013_reviewed_texts 0016_attributes_of_files 0018_corrections_of_passages 0019_widgets
        0020_search_of_the_store 0021_imported_drafts 0022_sources 0023_inputs 0024_notes_on_versions
        0025_former_slug 0026_withdrawn 0027_unlisted 0028_gpt_shares 0029_language_and_top_p 0030_shares_by_address
        0031_listing_reviews 0032_editors 0034_search_phrases 0035_store_newest 0036_unsupported_sentences
        0037_automatic_reply_length
    """.split()]
    dependencies = [("builder", "0001_release_0_1")]
    operations = [
        migrations.RenameField("gpt", "asks_all", "delegates_to_all"),
        migrations.RenameField("gpt", "asks_store", "delegates_to_store"),
        migrations.RemoveConstraint("colleaguerow", "colleague_is_another"),
        migrations.RemoveConstraint("colleaguerow", "colleague_once"),
        migrations.RenameModel("ColleagueRow", "DelegateRow"),
        migrations.RenameField("delegaterow", "colleague", "delegate"),
        migrations.CreateModel("Widget", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("key", models.CharField(default=web.builder.models_widgets.new_key, max_length=22, unique=True)),
            ("is_on", models.BooleanField(default=False)),
            ("origins", models.JSONField(blank=True, default=list, validators=[web.builder.models_widgets.validate_origins])),
            ("only_signed", models.BooleanField(default=False, help_text="Only visitors whom the other site names may chat.")),
            ("secret", models.TextField(blank=True)), ("label", models.CharField(default="Ask us", max_length=40)),
            ("colour", models.CharField(default="#1d5c4a", max_length=7, validators=[django.core.validators.RegexValidator("^#[0-9a-f]{6}$", "A colour, such as #1d5c4a.")])),
            ("side", models.CharField(choices=[("right", "Right"), ("left", "Left")], default="right", max_length=5)),
            ("theme", models.CharField(choices=[("auto", "As the visitor’s device"), ("light", "Light"), ("dark", "Dark")], default="auto", max_length=5)),
            ("messages_a_day", models.PositiveIntegerField(default=500, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000000)])),
            ("messages_a_visitor", models.PositiveIntegerField(default=50, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000000)])),
            ("day", models.DateField(blank=True, null=True)), ("n_today", models.PositiveIntegerField(default=0)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("gpt", models.OneToOneField(on_delete=models.CASCADE, related_name="widget", to="builder.gpt")),
        ]),
        migrations.CreateModel("WidgetVisitor", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("subject", models.CharField(blank=True, max_length=200)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("user", models.OneToOneField(on_delete=models.CASCADE, related_name="widget_visitor", to=settings.AUTH_USER_MODEL)),
            ("widget", models.ForeignKey(on_delete=models.CASCADE, related_name="visitors", to="builder.widget")),
        ], {
            "indexes": [models.Index(fields=["created"], name="builder_wid_created_76d8c4_idx")],
            "constraints": [
                models.UniqueConstraint(condition=models.Q(("subject", ""), _negated=True), fields=("widget", "subject"), name="visitor_named_once"),
            ],
        }),
        migrations.CreateModel("StoreCategory", [
            ("key", models.SlugField(max_length=20, primary_key=True, serialize=False)),
            ("title", models.CharField(max_length=40)), ("position", models.PositiveSmallIntegerField()),
        ], {"ordering": ["position"]}),
        migrations.CreateModel("SearchEntry", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("category", models.CharField(max_length=20)), ("creator", models.CharField(blank=True, max_length=60)),
            ("facets", models.CharField(default=" ", max_length=300)), ("vector", models.BinaryField(default=bytes)),
            ("embedder", models.CharField(blank=True, max_length=120)),
            ("changed", models.DateTimeField(auto_now=True)),
            ("gpt", models.OneToOneField(on_delete=models.CASCADE, related_name="search_entry", to="builder.gpt")),
            ("version", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to="builder.gptversion")),
            ("chosen", models.CharField(blank=True, max_length=8)),
            ("language", models.CharField(blank=True, max_length=8)),
            ("phrases", models.JSONField(default=None, null=True)),
        ], {"indexes": [models.Index(fields=["changed"], name="search_entry_news")]}),
        migrations.CreateModel("Source", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("kind", models.CharField(choices=[("page", "Web page"), ("site", "Website"), ("feed", "Feed"), ("git", "Git repository"), ("s3", "S3 bucket"), ("imap", "Mailbox")], max_length=5)),
            ("settings", models.JSONField()), ("secret", models.TextField(blank=True)),
            ("hours", models.PositiveSmallIntegerField(default=24)), ("publishes", models.BooleanField(default=True)),
            ("next_at", models.DateTimeField(blank=True, null=True)),
            ("claimed_until", models.DateTimeField(blank=True, null=True)),
            ("n_failed", models.PositiveSmallIntegerField(default=0, help_text="How often in a row.")),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("gpt", models.ForeignKey(on_delete=models.CASCADE, related_name="sources", to="builder.gpt")),
            ("secret_by", models.ForeignKey(blank=True, null=True, on_delete=models.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
        ], {
            "ordering": ["created", "id"],
            "indexes": [
                models.Index(condition=models.Q(("next_at", None), _negated=True), fields=["next_at"], name="source_due"),
            ],
        }),
        migrations.CreateModel("SourceCheck", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("ended", models.DateTimeField(blank=True, null=True)),
            ("n_added", models.PositiveIntegerField(default=0)),
            ("n_changed", models.PositiveIntegerField(default=0)),
            ("n_removed", models.PositiveIntegerField(default=0)),
            ("n_failed", models.PositiveIntegerField(default=0)), ("n_same", models.PositiveIntegerField(default=0)),
            ("changes", models.JSONField(default=list)), ("error", models.CharField(blank=True, max_length=500)),
            ("source", models.ForeignKey(on_delete=models.CASCADE, related_name="checks", to="builder.source")),
        ], {"ordering": ["-id"]}),
        migrations.CreateModel("SourceItem", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("key", models.CharField(max_length=1000)), ("digest", models.CharField(max_length=64)),
            ("version", models.CharField(blank=True, max_length=300)),
            ("error", models.CharField(blank=True, max_length=300)), ("changed", models.DateTimeField(auto_now=True)),
            ("file", models.ForeignKey(null=True, on_delete=models.SET_NULL, related_name="+", to="builder.knowledgefile")),
            ("source", models.ForeignKey(on_delete=models.CASCADE, related_name="items", to="builder.source")),
        ], {
            "ordering": ["key"],
            "constraints": [models.UniqueConstraint(fields=("source", "digest"), name="item_once_per_source")],
        }),
        migrations.CreateModel("GptShare", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("right", models.CharField(choices=[("chat", "Can chat"), ("view", "Can chat and see its settings"), ("edit", "Can chat, and edit it")], default="chat", max_length=4)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("gpt", models.ForeignKey(on_delete=models.CASCADE, related_name="shares", to="builder.gpt")),
            ("group", models.ForeignKey(blank=True, null=True, on_delete=models.CASCADE, related_name="gpt_shares", to="auth.group")),
            ("user", models.ForeignKey(blank=True, null=True, on_delete=models.CASCADE, related_name="gpt_shares", to=settings.AUTH_USER_MODEL)),
            ("address", models.EmailField(blank=True, db_index=True, max_length=254)),
        ], {
            "ordering": ["-created", "-id"],
            "constraints": [
                models.UniqueConstraint(fields=("gpt", "user"), name="gpt_share_once_per_person"),
                models.UniqueConstraint(fields=("gpt", "group"), name="gpt_share_once_per_group"),
                models.UniqueConstraint(condition=models.Q(("group", None), ("user", None)), fields=("gpt", "address"), name="gpt_share_once_per_address"),
                models.CheckConstraint(condition=models.Q(models.Q(("address", ""), ("group__isnull", False), ("user", None)), models.Q(models.Q(("address", ""), _negated=True), ("group", None)), _connector="OR"), name="gpt_share_of_address_or_group"),
            ],
        }),
        migrations.CreateModel("ListingReview", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("withdrawn", models.DateTimeField(blank=True, null=True)),
            ("decided", models.DateTimeField(blank=True, null=True)),
            ("approved", models.BooleanField(default=False)), ("note", models.TextField(blank=True)),
            ("by", models.ForeignKey(blank=True, null=True, on_delete=models.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
            ("gpt", models.ForeignKey(on_delete=models.CASCADE, related_name="listing_reviews", to="builder.gpt")),
            ("version", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to="builder.gptversion")),
        ], {
            "verbose_name": "GPT to review",
            "verbose_name_plural": "review before listing",
            "ordering": ["-created", "-id"],
            "indexes": [
                models.Index(fields=["-created", "-id"], name="listing_review_newest"),
                models.Index(condition=models.Q(("decided", None), ("withdrawn", None)), fields=["created"], name="listing_review_open"),
            ],
            "constraints": [
                models.UniqueConstraint(condition=models.Q(("decided", None), ("withdrawn", None)), fields=("gpt",), name="listing_review_open_once"),
            ],
        }),
        migrations.AlterModelOptions("gpt", {"ordering": ["-changed"], "verbose_name": "GPT", "verbose_name_plural": "GPTs"}),
        *(migrations.AddField(model, "secret_by", models.ForeignKey(blank=True, null=True, on_delete=models.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)) for model in KEYED),
        *(migrations.AddField(model, "secret_for", models.JSONField(blank=True, null=True)) for model in KEYED),
        migrations.AddField("delegaterow", "seen", models.JSONField(blank=True, default=dict)),
        migrations.AddField("gpt", "awaited_by", models.ForeignKey(blank=True, help_text="Who waits for that.", null=True, on_delete=models.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
        migrations.AddField("gpt", "changed_by", models.ForeignKey(blank=True, help_text="Who made the last one.", null=True, on_delete=models.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
        migrations.AddField("gpt", "engine", models.CharField(blank=True, help_text="Name of its model; empty: the site's default.", max_length=40)),
        migrations.AddField("gpt", "former_slug", models.SlugField(blank=True, help_text="Of pages that may still be open.", max_length=70)),
        migrations.AddField("gpt", "imported", models.JSONField(blank=True, default=dict, help_text="Where the draft came from, and what is left to do after that.")),
        migrations.AddField("gpt", "inputs", models.JSONField(blank=True, default=list, validators=[web.builder.models.validate_inputs])),
        migrations.AddField("gpt", "language", models.CharField(blank=True, help_text="ISO 639-1; empty: as its texts.", max_length=8, validators=[web.builder.models.validate_language])),
        migrations.AddField("gpt", "revision", models.PositiveIntegerField(default=0, help_text="Counts changes of the draft's fields.")),
        migrations.AddField("gpt", "takes_questions", models.BooleanField(default=False, help_text="People can send questions to its creator.")),
        migrations.AddField("gpt", "top_p", models.FloatField(default=0.95, validators=[django.core.validators.MinValueValidator(0.01), django.core.validators.MaxValueValidator(1)])),
        migrations.AddField("gpt", "unlisted", models.DateTimeField(blank=True, help_text="When an operator kept it out of the store.", null=True)),
        migrations.AddField("gpt", "unsupported", models.CharField(choices=[("mark", "Show them, marked"), ("fold", "Withhold them; people can open them"), ("withhold", "Withhold them")], default="mark", help_text="Of sentences that the knowledge does not support.", max_length=8)),
        migrations.AddField("gpt", "was_listed", models.BooleanField(default=False, help_text="Whether it was in the store when it was unlisted.")),
        migrations.AddField("gpt", "withdrawn", models.DateTimeField(blank=True, help_text="When an operator kept it to its creator.", null=True)),
        migrations.AddField("gptversion", "author", models.ForeignKey(blank=True, null=True, on_delete=models.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
        migrations.AddField("gptversion", "note", models.CharField(blank=True, max_length=300)),
        migrations.AddField("gptversion", "replaced", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("knowledgefile", "attributes", models.JSONField(blank=True, default=dict, help_text="What programs choose by when they search.")),
        migrations.AddField("knowledgefile", "corrections", models.JSONField(blank=True, default=dict, help_text="Of passages, by the key of their text.")),
        migrations.AddField("knowledgefile", "from_source", models.BooleanField(default=False, help_text="Whether a source added it, removed or not.")),
        migrations.AddField("mcpserverrow", "offered", models.JSONField(blank=True, help_text="Its tools now, until the creator looks at them.", null=True)),
        migrations.AddField("remoteagentrow", "offered", models.JSONField(blank=True, help_text="Its card now, until the creator looks at it.", null=True)),
        migrations.AddField("remoteagentrow", "read_only", models.BooleanField(default=False, help_text="No task changes anything there: calls skip confirmation.")),
        migrations.AddField("knowledgefile", "source", models.ForeignKey(blank=True, null=True, on_delete=models.SET_NULL, related_name="files", to="builder.source")),
        migrations.AlterField("delegaterow", "gpt", models.ForeignKey(on_delete=models.CASCADE, related_name="delegates", to="builder.gpt")),
        migrations.AlterField("gpt", "category", models.CharField(default="other", max_length=20, validators=[web.builder.categories.validate_category])),
        migrations.AlterField("gpt", "max_tokens", models.PositiveIntegerField(blank=True, help_text="Longest answer; empty: as long as the model allows.", null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(32768)])),
        migrations.AlterField("mcpserverrow", "tools", models.JSONField(blank=True, default=list, help_text="As the creator last saw them.")),
        migrations.AddIndex("gpt", models.Index(condition=models.Q(("featured", True)), fields=["featured"], name="gpt_featured")),
        migrations.AddIndex("gpt", models.Index(fields=["-changed"], name="gpt_changed")),
        migrations.AddIndex("gpt", models.Index(fields=["sharing", "deleted", "-published", "id", "category"], name="gpt_store_newest")),
        migrations.AddConstraint("delegaterow", models.UniqueConstraint(fields=("gpt", "delegate"), name="delegate_once")),
        migrations.AddConstraint("delegaterow", models.CheckConstraint(condition=models.Q(("gpt", models.F("delegate")), _negated=True), name="delegate_is_another")),
        migrations.RunPython(run(fulltext.CREATE), run(fulltext.DROP)),
    ]
