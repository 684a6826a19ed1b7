"""The tables of the store: how GPTs stand in it, what people say of them, profiles and collections."""

import uuid
from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from web.accounts.models import User
from web.builder.models import Gpt

REVIEW_CHARS = 2_000
ABOUT_CHARS = 300
COLLECTION_NAME_CHARS = 60


class Standing(models.Model):
    """What the store sorts a GPT by. Written by `standings` only.

    `n_people` chatted with it. `score` is the mean of its ratings as ranks use it, `mean` as people see it; 0 without
    ratings. `trend` is the use of the last weeks.
    """

    gpt = models.OneToOneField(Gpt, on_delete=models.CASCADE, primary_key=True, related_name="standing")
    n_people = models.PositiveIntegerField(default=0)
    n_ratings = models.PositiveIntegerField(default=0)
    mean = models.FloatField(default=0)
    score = models.FloatField(default=0)
    trend = models.FloatField(default=0)

    objects: ClassVar[models.Manager["Standing"]]

    def __str__(self) -> str:
        return f"standing of {self.gpt_id}"


class Review(models.Model):
    """What a person who used a GPT says of it, and its creator's answer.

    `weight` is how much it counts, 0..1, by how much they have used GPTs. `seen`: its creator has had it on a page.
    `hidden`: an operator took it out of the store; it counts no more.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    gpt = models.ForeignKey(Gpt, on_delete=models.CASCADE, related_name="reviews")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="reviews")
    stars = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(5)])
    text = models.TextField(blank=True)
    answer = models.TextField(blank=True)
    weight = models.FloatField(default=0)
    seen = models.BooleanField(default=False)
    hidden = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager["Review"]]

    class Meta:
        ordering: ClassVar = ["-created", "-id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["gpt", "owner"], name="review_once")]
        indexes: ClassVar = [
            models.Index(fields=["gpt", "hidden", "-created"], name="review_list"),
            models.Index(fields=["gpt"], condition=models.Q(seen=False), name="review_unseen"),
        ]

    def __str__(self) -> str:
        return f"{self.stars} stars for {self.gpt_id}"

    @property
    def writer(self) -> "Profile | None":
        """The public profile of who wrote it; None if they have none: then nobody learns who it was."""
        profile: Profile | None = getattr(self.owner, "profile", None)
        return profile if profile and profile.public else None


class Profile(models.Model):
    """The page of a creator, which everyone can see while it is `public`."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="profile")
    slug = models.SlugField(max_length=70, unique=True)
    about = models.CharField(max_length=ABOUT_CHARS, blank=True)
    public = models.BooleanField(default=False)

    objects: ClassVar[models.Manager["Profile"]]

    def __str__(self) -> str:
        return self.slug


class Collection(models.Model):
    """A person's list of GPTs. `featured`: an operator's, shown in the store."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="collections")
    name = models.CharField(max_length=COLLECTION_NAME_CHARS)
    about = models.CharField(max_length=ABOUT_CHARS, blank=True)
    public = models.BooleanField(default=False)
    featured = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager["Collection"]]

    class Meta:
        ordering: ClassVar = ["name", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(featured=False) | models.Q(public=True), name="featured_is_public"
            )
        ]

    def __str__(self) -> str:
        return self.name


class CollectionItem(models.Model):
    """A GPT in a collection."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="items")
    gpt = models.ForeignKey(Gpt, on_delete=models.CASCADE, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["created", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["collection", "gpt"], name="collected_once")]

    def __str__(self) -> str:
        return f"{self.gpt_id} in {self.collection}"
