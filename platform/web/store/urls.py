"""URLs of the store."""

from django.urls import path

from web.store import views, views_people

urlpatterns = [
    path("", views.store, name="store"),
    path("g/<slug:slug>/", views.gpt_page, name="gpt"),
    path("g/<slug:slug>/reviews/", views_people.gpt_reviews, name="gpt_reviews"),
    path("g/<slug:slug>/review", views_people.give_review, name="gpt_review"),
    path("reviews/<uuid:review_id>/answer", views_people.answer_review, name="review_answer"),
    path("reviews/<uuid:review_id>/hide", views_people.hide_review, name="review_hide"),
    path("people/<slug:creator>/", views_people.creator, name="creator"),
    path("account/profile/", views_people.edit_profile, name="profile"),
    path("collections/", views_people.own_collections, name="collections"),
    path("collections/<uuid:collection_id>/", views_people.collection, name="collection"),
    path("collections/<uuid:collection_id>/change", views_people.change_collection, name="collection_change"),
]
