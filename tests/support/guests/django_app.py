"""A Django project in one file.

gunicorn tests.support.guests.django_app:app
"""

import time

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

WAIT_S = 0.1


def health(_: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def wait(_: HttpRequest) -> JsonResponse:
    time.sleep(WAIT_S)
    return JsonResponse({"waited": "in a thread"})


urlpatterns = [path("health", health), path("wait", wait)]
settings.configure(
    ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="not one", USE_TZ=True, USE_I18N=False
)
app = get_wsgi_application()
