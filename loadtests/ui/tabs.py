"""Our tabs in the Locust UI: each is a separate page, shown in a frame below Locust's tabs.

Locust's extension points only support tables. So a tab is announced to Locust, which shows an
empty one, and a small script puts our page there: `./panel/<key>`, from the files in `page/` that
are named for the key, which asks for `./panel/<key>.json` each second. All addresses are relative,
so that they also work below a --web-base-path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from secrets import token_urlsafe
from shlex import quote
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    jsonify,
    render_template,
    request,
    send_from_directory,
)
from locust.env import Environment

from loadtests.paths import ROOT
from loadtests.report import pages
from loadtests.run.beyond.drift import Drift
from loadtests.run.flags import names
from loadtests.ui.alarms import Alarms
from loadtests.ui.door import POLICY, Door, policy
from loadtests.ui.form import FOR, SCENARIOS
from loadtests.ui.form_check import check_forms
from loadtests.ui.formulas import without_formulas
from loadtests.ui.poller import Watching
from loadtests.ui.recording import Recording
from loadtests.ui.shape_runner import ShapeRunner
from loadtests.ui.shapes import LOADS
from loadtests.ui.survival.session import Session, session_of
from loadtests.ui.survival.view import view
from loadtests.ui.turns import COMPARE, SETTLE_S, TURN_S

PAGE = Path(__file__).parent / "page"
FILES = {  # results of a run
    "report.html": "Report",
    "summary.md": "Summary",
    "summary.json": "Summary as JSON",
    "run.jsonl": "Run file",
}
TITLES = {name: f"Download survival {title[0].lower()}{title[1:]}" for name, title in FILES.items()}
NONE = "No survival run yet. Choose the scenario `survival` in the form and start it."
LATER = {
    "run.jsonl": "The run has just started; try again in a moment.",
    "": "It is written a few seconds after the run ends.",
}
MOUNT = '<script type="module" src="./panel/mount.js"></script>'
# How Locust's own inline scripts begin: the data of its pages, and the whole of its report.
INLINE = re.compile(r'<script(?= type="module" crossorigin>|>\s*window\.(?:template|auth)Args = )')


def mount(environment: Environment, recording: Recording) -> None:
    """Show our tabs in the UI of this process, if it has one."""
    ui = environment.web_ui
    if ui is None or ui.app is None:
        return
    base = getattr(environment.parsed_options, "web_base_path", "") or ""
    allowed = names(getattr(environment.parsed_options, "allow_host", ""))
    door = Door(ui.app.wsgi_app, ui.host, allowed, f"{base}/")
    ui.app.wsgi_app = door  # type: ignore[method-assign]  # as Flask recommends
    watching, session = Watching(environment), session_of(environment)
    alarms = Alarms(recording, watching)
    environment.events.test_start.add_listener(lambda **_: alarms.clear())
    data: dict[str, Callable[[], Mapping[str, Any]]] = {
        "Survival": lambda: _survival(session, request.args.get("cell", type=int)),
        "Load": lambda: _load(environment, recording, watching),
        "Compare": lambda: _compare(environment, recording),
        "Server": watching.as_json,
    }
    tabs = {title: title.lower() for title in data}  # their keys
    ui.template_args["extended_tabs"] = [{"title": title, "key": tabs[title]} for title in tabs]
    ui.template_args["extended_csv_files"] = [
        {"href": f"./panel/results/{name}", "title": title} for name, title in TITLES.items()
    ]
    ui.template_args["panel"] = {  # for mount.js and form.js
        "tabs": tabs,
        "scenarios": {name: {"tab": tab, "does": does} for name, (tab, does) in SCENARIOS.items()},
        "fields": FOR,
    }
    ui.app.jinja_env.policies["json.dumps_kwargs"] = {"sort_keys": False}  # fields in our order
    check_forms(ui.app, base, environment)
    panel = Blueprint("panel", __name__, template_folder="page")

    def add(rule: str, view: Callable[..., Any]) -> None:
        name = rule.replace(".", "-")  # Flask keeps dots for itself
        panel.add_url_rule(f"/{rule}", name, ui.auth_required_if_enabled(view))

    for title, key in tabs.items():
        page = {"title": title, "key": key, "root": ""}
        add(key, lambda page=page: render_template(f"{page['key']}.html", **page))
        add(f"{key}.json", lambda title=title: jsonify(alarms=alarms.sentences(), **data[title]()))
    add("results/<name>", lambda name: _serve(session, name))
    add("style.css", lambda: Response(_stylesheet(), mimetype="text/css"))
    add("<path:name>", lambda name: send_from_directory(PAGE, name))
    ui.app.register_blueprint(panel, url_prefix=f"{base}/panel")

    @ui.app.after_request
    def finish(answer: Response) -> Response:
        if answer.mimetype == "text/html" and not answer.direct_passthrough:
            text, nonce = answer.get_data(as_text=True), token_urlsafe()
            text, count = INLINE.subn(f'<script nonce="{nonce}"', text)
            if request.path == f"{base}/":
                text = text.replace("</body>", f"{MOUNT}</body>")
            answer.set_data(text)
            answer.headers[POLICY] = policy(nonce if count else "")
        elif answer.mimetype == "text/csv":
            answer.direct_passthrough = False
            answer.set_data(without_formulas(answer.get_data(as_text=True)))
        return answer


@cache
def _stylesheet() -> str:
    """Join the colours of the models, the style of all our pages, and the rules of the tabs."""
    files = (pages.PAGE / "style.css", PAGE / "tabs.css")
    return "\n".join((pages.palette(), *(file.read_text(encoding="utf-8") for file in files)))


def _load(environment: Environment, recording: Recording, watching: Watching) -> dict[str, Any]:
    before = min(recording.complete, recording.ledger.newest + 1)
    drifts = None
    if recording.options is not None and recording.options.scenario == "soak":
        drifts = {
            "p99_ms": _as_json(recording.ledger.drift()),
            "memory_mib": _as_json(watching.vitals.memory_drift()),
        }
    return {
        **_state(environment, recording),
        "seconds": recording.ledger.seconds(before),
        "before": before,
        "drifts": drifts,
    }


def _as_json(drift: Drift | None) -> dict[str, Any] | None:
    """Return a drift and its interval; None while it is too early to say."""
    return asdict(drift) if drift else None


def _compare(environment: Environment, recording: Recording) -> dict[str, Any]:
    ledger, options = recording.ledger, recording.options
    fixed = options is not None and options.scenario in LOADS
    return {
        **_state(environment, recording),
        "elapsed_s": ledger.until - ledger.since,
        "turns": [TURN_S, SETTLE_S] if options and options.scenario == COMPARE else None,
        "rows": ledger.rows() if fixed else [],
    }


def _state(environment: Environment, recording: Recording) -> dict[str, Any]:
    options, shape = recording.options, environment.shape_class
    return {
        "state": environment.runner.state if environment.runner else None,
        "users": environment.runner.user_count if environment.runner else None,
        "cells": options and len(options.cells),
        "scenario": options and options.scenario,
        "load": options and options.load,
        "slo": options and str(options.slo),
        "bound_ms": options and 1e3 * options.slo.bound_s,
        "course": [list(phase) for phase in shape.phases] if isinstance(shape, ShapeRunner) else [],
    }


def _survival(session: Session, chosen: int | None) -> Mapping[str, Any]:
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
        "verdicts": watch.verdicts if watch else [],
        "warnings": session.summary.get("warnings", []),
    }


def _again(session: Session) -> str | None:
    """Return the command that goes on with an unfinished run."""
    watch = session.watch
    if session.phase not in {"stopped", "failed"} or not (watch and watch.run):
        return None
    folder = watch.folder
    with suppress(ValueError):
        folder = folder.relative_to(ROOT)
    return f"scripts/survive --retry {quote(str(folder))}"


def _serve(session: Session, name: str) -> Response:
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
    answer = send_from_directory(
        folder, name, as_attachment=not shown, download_name=titled, max_age=0
    )
    answer.headers[POLICY] = "frame-ancestors 'self'"  # the page holds the other rules itself
    return answer
