"""The Survival tab: the data that its page asks for, and the results to download."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from shlex import quote
from typing import Any

from flask import Response, abort, render_template, request, send_from_directory

from loadtests.paths import ROOT
from loadtests.report.summary import command
from loadtests.ui.survival.session import Session
from loadtests.ui.survival.view import view

FILES = {  # in the tab
    "report.html": "Report",
    "summary.md": "Summary",
    "summary.json": "Summary as JSON",
    "run.jsonl": "Run file",
}
TITLES = {name: f"Download survival {title[0].lower()}{title[1:]}" for name, title in FILES.items()}
NONE = "No survival search yet. Choose the scenario `survival` in the form and start it."
LATER = {
    "run.jsonl": "The search has just started; try again in a moment.",
    "": "It is written a few seconds after the search ends.",
}


def show(session: Session, chosen: int | None = None) -> Mapping[str, Any]:
    """Return the data of the page; `chosen` is the cell whose trials are shown."""
    folder, watch = session.folder, session.watch
    return {
        "phase": session.phase,
        "reason": session.reason,
        "folder": str(folder) if folder else None,
        "again": _again(session),
        "files": [
            {"name": name, "title": FILES[name], "ready": bool(folder and (folder / name).exists())}
            for name in FILES
        ],
        "run": view(watch, chosen) if watch and session.phase != "waiting" else None,
        "verdicts": [
            sentence
            for verdict in session.summary.get("verdicts", ())
            for sentence in (verdict["sentence"], *verdict.get("pythons", ()))
        ],
        "warnings": session.summary.get("warnings", []),
    }


def _again(session: Session) -> str | None:
    """Return the command that resumes an unfinished search."""
    watch = session.watch
    if session.phase not in {"stopped", "failed"} or not (watch and watch.run):
        return None
    folder = watch.folder
    with suppress(ValueError):
        folder = folder.relative_to(ROOT)
    return f"{command(watch.run)} --output {quote(str(folder))}"


def serve(session: Session, name: str) -> Response:
    """Send a file to download, or to `?show`; a page says why it does not exist yet."""
    if name not in FILES:
        abort(404)
    folder = session.folder
    if folder is None or not (folder / name).exists():
        why = LATER.get(name, LATER[""]) if folder else NONE
        title = f"{name} does not exist yet"
        return Response(render_template("later.html", title=title, root="../", why=why), 404)
    shown = "show" in request.args
    titled = f"loadbearing-{folder.name}-{name}"
    return send_from_directory(
        folder, name, as_attachment=not shown, download_name=titled, max_age=0
    )
