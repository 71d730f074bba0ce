"""The Survival tab: its page, what that page asks for, and the results to download."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from shlex import quote
from typing import Any

from flask import request

from loadtests.paths import ROOT
from loadtests.report.summary import command
from loadtests.ui.survival.files import FILES, TITLES, serve
from loadtests.ui.survival.session import Session
from loadtests.ui.survival.view import view
from loadtests.ui.tabs import Route, Tab


def survival_tab(session: Session) -> Tab:
    return Tab(
        key="survival",
        title="Survival",
        data=lambda: show(session, request.args.get("cell", type=int)),
        routes=[Route("results/<name>", lambda name: serve(session, name))],
        downloads=[(f"./panel/results/{name}", title) for name, title in TITLES.items()],
    )


def show(session: Session, chosen: int | None = None) -> Mapping[str, Any]:
    """Give what the page shows; `chosen` is the cell whose trials a person wants to see."""
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
            said
            for verdict in session.summary.get("verdicts", ())
            for said in (verdict["sentence"], *verdict.get("pythons", ()))
        ],
        "warnings": session.summary.get("warnings", []),
    }


def _again(session: Session) -> str | None:
    """Give the command that goes on with a search that lacks something."""
    watch = session.watch
    if session.phase not in {"stopped", "failed"} or not (watch and watch.run):
        return None
    folder = watch.folder
    with suppress(ValueError):
        folder = folder.relative_to(ROOT)
    return f"{command(watch.run)} --output {quote(str(folder))}"
