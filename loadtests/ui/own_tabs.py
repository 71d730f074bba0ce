"""The tabs that the Locust UI has from us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from locust.env import Environment

from loadtests.run.beyond.drift import Drift
from loadtests.ui.recording.recorder import BYSTANDER
from loadtests.ui.recording.recording import Recording
from loadtests.ui.server.poller import Watching
from loadtests.ui.shape_runner import ShapeRunner
from loadtests.ui.survival.session import session_of
from loadtests.ui.survival.tab import survival_tab
from loadtests.ui.tabs import Tab


def tabs(environment: Environment, recording: Recording) -> tuple[Tab, ...]:
    """Make them for the process that has the UI."""
    watching = Watching(environment)

    def load() -> Mapping[str, Any]:
        before = min(recording.complete, recording.ledger.newest + 1)
        soak = recording.options is not None and recording.options.scenario == "soak"
        return {
            **_asked(environment, recording),
            "seconds": recording.ledger.seconds(before),
            "before": before,
            "drifts": soak and _drifts(recording, watching),
        }

    def compare() -> Mapping[str, Any]:
        rows = recording.ledger.rows()
        return {
            **_asked(environment, recording),
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


def _asked(environment: Environment, recording: Recording) -> dict[str, Any]:
    options, shape = recording.options, environment.shape_class
    return {
        "state": environment.runner.state if environment.runner else None,
        "scenario": options and options.scenario,
        "load": options and options.load,
        "slo": options and str(options.slo),
        "bound_ms": options and 1e3 * options.slo.bound_s,
        "course": [list(one) for one in shape.phases] if isinstance(shape, ShapeRunner) else [],
    }


def _drifts(recording: Recording, watching: Watching) -> dict[str, Any]:
    """Give what drifts in a soak, with intervals; None where it is too early to tell."""

    def said(one: Drift | None) -> dict[str, Any] | None:
        return asdict(one) if one else None

    return {
        "p99_ms": said(recording.ledger.drift()),
        "memory_mib": said(watching.vitals.memory_drift()),
    }
