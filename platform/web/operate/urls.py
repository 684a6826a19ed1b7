"""URLs of the operator's pages."""

from django.urls import path

from web.operate import views

urlpatterns = [path("operate/model/", views.model, name="operate_model")]
