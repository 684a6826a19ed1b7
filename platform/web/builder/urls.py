"""URLs of the creator's pages."""

from django.urls import path

from web.builder import views, views_delegates, views_files, views_knowledge

urlpatterns = [
    path("gpts/", views.gpts, name="gpts"),
    path("gpts/new", views.new, name="gpt_new"),
    path("gpts/<slug:slug>/edit", views.edit, name="gpt_edit"),
    path("gpts/<slug:slug>/picture", views.edit_picture, name="gpt_edit_picture"),
    path("gpts/<slug:slug>/picture/draw", views.generate_picture, name="gpt_draw_picture"),
    path("gpts/<slug:slug>/cancel-publishing", views.cancel_publishing, name="gpt_cancel_publishing"),
    path("gpts/<slug:slug>/history", views.versions, name="gpt_history"),
    path("gpts/<slug:slug>/restore/<int:version_id>", views.restore, name="gpt_restore"),
    path("gpts/<slug:slug>/delete", views.delete, name="gpt_delete"),
    path("gpts/<slug:slug>/link", views.rotate_link, name="gpt_rotate_link"),
    path("gpts/<slug:slug>/files", views_files.draft_files, name="gpt_files"),
    path("gpts/<slug:slug>/files/<uuid:file_id>/remove", views_files.remove, name="gpt_file_remove"),
    path("gpts/<slug:slug>/files/<uuid:file_id>/retry", views_files.retry, name="gpt_file_retry"),
    path("gpts/<slug:slug>/files/<uuid:file_id>/cancel", views_files.cancel, name="gpt_file_cancel"),
    path("gpts/<slug:slug>/files/<uuid:file_id>/replace", views_files.replace, name="gpt_file_replace"),
    path("gpts/<slug:slug>/files/<uuid:file_id>/decide", views_files.decide, name="gpt_file_decide"),
    path("gpts/<slug:slug>/files/<uuid:file_id>/passages", views_files.file_passages, name="gpt_file_passages"),
    path("gpts/<slug:slug>/files/<uuid:file_id>/correct", views_files.correct, name="gpt_file_correct"),
    path("gpts/<slug:slug>/delegates/choices", views_delegates.choices, name="gpt_delegate_choices"),
    path("gpts/<slug:slug>/delegates/add", views_delegates.add, name="gpt_delegate_add"),
    path("gpts/<slug:slug>/delegates/<slug:delegate>/remove", views_delegates.remove, name="gpt_delegate_remove"),
    path("gpts/<slug:slug>/delegates/<slug:delegate>/accept", views_delegates.accept, name="gpt_delegate_accept"),
    path("gpts/<slug:slug>/knowledge/", views_knowledge.knowledge, name="gpt_knowledge"),
    path("gpts/<slug:slug>/knowledge/health", views_knowledge.health, name="gpt_knowledge_health"),
    path("gpts/<slug:slug>/knowledge/ask", views_knowledge.ask, name="gpt_knowledge_ask"),
    path("gpt-pictures/<uuid:gpt_id>/<str:name>", views.picture, name="gpt_picture"),
    path("l/<str:secret>/", views.open_link, name="gpt_link"),
]
