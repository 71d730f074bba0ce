"""Our tabs in the Locust UI: each is a separate page, shown in a frame below Locust's tabs.

Locust's extension points only support tables. So a tab is announced to Locust, which shows an
empty one, and a small script puts our page there. All addresses are relative, so that they also
work below a --web-base-path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from flask import Blueprint, Response, jsonify, request, send_from_directory
from locust.env import Environment

from loadtests.run.beyond.drift import Drift
from loadtests.run.options import names
from loadtests.ui.door import Door
from loadtests.ui.form_check import check_forms
from loadtests.ui.ledger import BYSTANDER
from loadtests.ui.pages import PAGE, fill, stylesheet
from loadtests.ui.recording import Recording
from loadtests.ui.server.poller import Watching
from loadtests.ui.shape_runner import ShapeRunner
from loadtests.ui.survival.session import Session, session_of
from loadtests.ui.survival.tab import TITLES, serve, show

MOUNT = '<script type="module" src="./panel/mount.js"></script>'


class Route(NamedTuple):
    """One more address of a tab, `./panel/<rule>`, answered by a view of Flask."""

    rule: str
    view: Callable[..., Any]
    methods: tuple[str, ...] = ("GET",)


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab: its files in `page/` are named for its key, and its page asks for data each second.

    The page is at `./panel/<key>` and its data at `./panel/<key>.json`; `downloads` are links for
    Locust's tab of downloads, as addresses and titles.
    """

    key: str
    title: str
    data: Callable[[], Mapping[str, Any]]
    routes: Sequence[Route] = ()
    downloads: Sequence[tuple[str, str]] = ()


def mount(environment: Environment, tabs: Sequence[Tab]) -> None:
    """Show these tabs in the UI of this process, if it has one."""
    ui = environment.web_ui
    if ui is None or ui.app is None:
        return
    base = getattr(environment.parsed_options, "web_base_path", "") or ""
    allowed = names(getattr(environment.parsed_options, "allow_host", ""))
    door = Door(ui.app.wsgi_app, ui.host, allowed, f"{base}/")
    ui.app.wsgi_app = door  # type: ignore[method-assign]  # as Flask would have it done
    ui.template_args["extended_tabs"] = [{"title": tab.title, "key": tab.key} for tab in tabs]
    ui.template_args["extended_csv_files"] = [
        {"href": href, "title": title} for tab in tabs for href, title in tab.downloads
    ]
    ui.template_args["panel"] = {tab.title: tab.key for tab in tabs}  # for mount.js
    ui.app.jinja_env.policies["json.dumps_kwargs"] = {"sort_keys": False}  # fields in our order
    check_forms(ui.app, base, environment)
    panel = _blueprint(ui.auth_required_if_enabled, tabs)
    ui.app.register_blueprint(panel, url_prefix=f"{base}/panel")

    @ui.app.after_request
    def inject(answer: Response) -> Response:
        if request.path == f"{base}/" and answer.mimetype == "text/html":
            answer.set_data(answer.get_data(as_text=True).replace("</body>", f"{MOUNT}</body>"))
        return answer


def _blueprint(guarded: Callable[[Any], Any], tabs: Sequence[Tab]) -> Blueprint:
    """Gather the addresses of all tabs."""
    panel = Blueprint("panel", __name__)

    def add(rule: str, view: Callable[..., Any], methods: Sequence[str] = ("GET",)) -> None:
        name = rule.replace(".", "-")  # which Flask keeps for itself
        panel.add_url_rule(f"/{rule}", name, guarded(view), methods=list(methods))

    for tab in tabs:
        add(tab.key, lambda tab=tab: fill(f"{tab.key}.html", tab.title, key=tab.key))
        add(f"{tab.key}.json", lambda tab=tab: jsonify(tab.data()))
        for route in tab.routes:
            add(*route)
    add("style.css", lambda: Response(stylesheet(), mimetype="text/css"))
    add("<path:name>", lambda name: send_from_directory(PAGE, name))
    return panel


def tabs(environment: Environment, recording: Recording) -> tuple[Tab, ...]:
    """Create the tabs of the process that has the UI."""
    watching = Watching(environment)

    def load() -> Mapping[str, Any]:
        before = min(recording.complete, recording.ledger.newest + 1)
        soak = recording.options is not None and recording.options.scenario == "soak"
        return {
            **_state(environment, recording),
            "seconds": recording.ledger.seconds(before),
            "before": before,
            "drifts": soak and _drifts(recording, watching),
        }

    def compare() -> Mapping[str, Any]:
        rows = recording.ledger.rows()
        return {
            **_state(environment, recording),
            "elapsed_s": recording.ledger.until - recording.ledger.since,
            "rows": [row for row in rows if row["name"] != BYSTANDER],
            "bystander": next((row for row in rows if row["name"] == BYSTANDER), None),
        }

    return (
        Tab("load", "Load", load),
        Tab("compare", "Compare", compare),
        Tab("server", "Server", watching.shown),
        survival_tab(session_of(environment)),
    )


def survival_tab(session: Session) -> Tab:
    return Tab(
        key="survival",
        title="Survival",
        data=lambda: show(session, request.args.get("cell", type=int)),
        routes=[Route("results/<name>", lambda name: serve(session, name))],
        downloads=[(f"./panel/results/{name}", title) for name, title in TITLES.items()],
    )


def _state(environment: Environment, recording: Recording) -> dict[str, Any]:
    options, shape = recording.options, environment.shape_class
    return {
        "state": environment.runner.state if environment.runner else None,
        "scenario": options and options.scenario,
        "load": options and options.load,
        "slo": options and str(options.slo),
        "bound_ms": options and 1e3 * options.slo.bound_s,
        "course": [list(phase) for phase in shape.phases] if isinstance(shape, ShapeRunner) else [],
    }


def _drifts(recording: Recording, watching: Watching) -> dict[str, Any]:
    """Return the drift in a soak, with intervals; None while it is too early to say."""

    def as_json(drift: Drift | None) -> dict[str, Any] | None:
        return asdict(drift) if drift else None

    return {
        "p99_ms": as_json(recording.ledger.drift()),
        "memory_mib": as_json(watching.vitals.memory_drift()),
    }
