"""Which models a server starts, and why it does not start the others."""

from __future__ import annotations

from collections.abc import Iterable
from pkgutil import resolve_name

from server.models.base import Model
from server.settings import ALL, Settings
from server.tables import MODELS

NOT_STARTED = "not started: "  # programs read this


def load(name: str) -> type[Model]:
    """Import the class of a model, which imports optional packages only when it starts."""
    model: type[Model] = resolve_name(MODELS[name])
    return model


def absent(settings: Settings) -> dict[str, str | None]:
    """Why each model is not started, and what would help; None for models that are."""
    reasons = {}
    for name in MODELS:
        model = load(name)
        reasons[name] = model.missing(settings)
        wanted = name in settings.models if settings.models else model.by_default
        if not wanted and reasons[name] is None:
            started = ",".join([*settings.models, name]) if settings.models else ALL
            reasons[name] = f"{NOT_STARTED}start the server with --models {started}"
    return reasons


def build(names: Iterable[str], settings: Settings) -> dict[str, Model]:
    """Build the named models and those they need, each once, in the order to start them."""
    built: dict[str, Model] = {}

    def make(name: str) -> Model:
        if name not in built:
            kind = load(name)
            needed = [make(other) for other in kind.needs]
            built[name] = kind(settings, *needed)
        return built[name]

    for name in names:
        make(name)
    return built
