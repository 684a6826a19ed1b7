import uuid

import django.core.validators
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [("store", "0001_reviews_profiles_collections"), ("store", "0002_reports_are_cases")]
    dependencies = [("accounts", "0002_release_0_2")]
    operations = [
        migrations.CreateModel("Profile", [
            ("user", models.OneToOneField(on_delete=models.CASCADE, primary_key=True, related_name="profile", serialize=False, to=settings.AUTH_USER_MODEL)),
            ("slug", models.SlugField(max_length=70, unique=True)),
            ("about", models.CharField(blank=True, max_length=300)), ("public", models.BooleanField(default=False)),
        ]),
        migrations.CreateModel("Standing", [
            ("gpt", models.OneToOneField(on_delete=models.CASCADE, primary_key=True, related_name="standing", serialize=False, to="builder.gpt")),
            ("n_people", models.PositiveIntegerField(default=0)),
            ("n_ratings", models.PositiveIntegerField(default=0)), ("mean", models.FloatField(default=0)),
            ("score", models.FloatField(default=0)), ("trend", models.FloatField(default=0)),
        ]),
        migrations.CreateModel("Collection", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("name", models.CharField(max_length=60)), ("about", models.CharField(blank=True, max_length=300)),
            ("public", models.BooleanField(default=False)), ("featured", models.BooleanField(default=False)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, related_name="collections", to=settings.AUTH_USER_MODEL)),
        ], {
            "ordering": ["name", "id"],
            "constraints": [
                models.CheckConstraint(condition=models.Q(("featured", False), ("public", True), _connector="OR"), name="featured_is_public"),
            ],
        }),
        migrations.CreateModel("CollectionItem", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("collection", models.ForeignKey(on_delete=models.CASCADE, related_name="items", to="store.collection")),
            ("gpt", models.ForeignKey(on_delete=models.CASCADE, related_name="+", to="builder.gpt")),
        ], {
            "ordering": ["created", "id"],
            "constraints": [models.UniqueConstraint(fields=("collection", "gpt"), name="collected_once")],
        }),
        migrations.CreateModel("Review", [
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("stars", models.PositiveSmallIntegerField(validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(5)])),
            ("text", models.TextField(blank=True)), ("answer", models.TextField(blank=True)),
            ("weight", models.FloatField(default=0)), ("seen", models.BooleanField(default=False)),
            ("hidden", models.DateTimeField(blank=True, null=True)),
            ("created", models.DateTimeField(auto_now_add=True)),
            ("changed", models.DateTimeField(auto_now_add=True)),
            ("gpt", models.ForeignKey(on_delete=models.CASCADE, related_name="reviews", to="builder.gpt")),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, related_name="reviews", to=settings.AUTH_USER_MODEL)),
        ], {
            "ordering": ["-created", "-id"],
            "indexes": [
                models.Index(fields=["gpt", "hidden", "-created"], name="review_list"),
                models.Index(condition=models.Q(("seen", False)), fields=["gpt"], name="review_unseen"),
            ],
            "constraints": [models.UniqueConstraint(fields=("gpt", "owner"), name="review_once")],
        }),
    ]
