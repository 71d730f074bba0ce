"""The results of the search that goes on, or else of the last one, under fixed addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, abort, request, send_from_directory

from loadtests.ui.pages import fill

if TYPE_CHECKING:
    from loadtests.ui.survival.session import Session

FILES = {  # in the tab
    "report.html": "Report",
    "summary.md": "Summary",
    "summary.json": "Summary as JSON",
    "run.jsonl": "Run file",
}
TITLES = {name: f"Download survival {title[0].lower()}{title[1:]}" for name, title in FILES.items()}
NONE = "There is no survival search yet: choose the scenario survival in the form, and start it."
LATER = {
    "run.jsonl": "The search has only just begun: its first line comes in a moment.",
    "": "It is written when the search is over, a few seconds later.",
}


def serve(session: Session, name: str) -> Response:
    """Give one of our files to download, or to `?show`; a page says why one is not there yet."""
    if name not in FILES:
        abort(404)
    folder = session.folder
    if folder is None or not (folder / name).exists():
        why = LATER.get(name, LATER[""]) if folder else NONE
        return Response(fill("later.html", f"{name} is not there yet", root="../", why=why), 404)
    shown = "show" in request.args
    titled = f"loadbearing-{folder.name}-{name}"
    return send_from_directory(
        folder, name, as_attachment=not shown, download_name=titled, max_age=0
    )
