"""What the form asks for, checked before it starts: what is wrong is said above its button.

Locust would start the test, and only its log would tell why it ended at once. A refused form is
shown with its message. The same form may ask for a shape, which Locust knows but does not show.
"""

from __future__ import annotations

import logging
from argparse import Namespace
from typing import Any

from flask import Flask, Response, jsonify, request
from locust.env import Environment
from locust.util.timespan import parse_timespan

from loadtests.checks import check_cells
from loadtests.options import Options, names
from loadtests.plan import try_parameters
from loadtests.shapes import SHAPES
from loadtests.shaping import shape
from loadtests.target import TargetError

USERS = 20  # in the form, where nothing else was asked for: enough to see something at once

log = logging.getLogger("loadbearing")


def check_forms(app: Flask, base: str, environment: Environment) -> None:
    """Look at each form before Locust does."""
    parsed = environment.parsed_options
    if parsed is not None and not parsed.autostart:
        parsed.num_users = parsed.num_users or USERS
        parsed.spawn_rate = parsed.spawn_rate or USERS

    @app.before_request
    def look() -> Response | None:
        runner = environment.runner
        if request.method != "POST" or request.path != f"{base}/swarm":
            return None
        if runner is None or runner.state in {"spawning", "running"}:
            return None  # it changes the users of a test, and nothing else
        try:
            _check(environment)
        except (ValueError, TargetError) as error:
            log.error("%s", error)  # noqa: TRY400 - the message says it all
            return jsonify({"success": False, "message": str(error), "host": environment.host})
        return None


def _check(environment: Environment) -> None:
    """Raise ValueError or TargetError for what cannot be done."""
    form = request.form
    known = vars(environment.parsed_options)
    options = Options.of(Namespace(**{**known, **{name: _read(known, name) for name in form}}))
    url = form.get("host") or str(environment.host)
    if options.scenario != "survival" or options.running_service:
        found = check_cells(url, options)
        try_parameters(options.parameters, found, url)
    duration = form.get("run_time")
    if options.scenario in SHAPES and not form.get("user_count", "").isdecimal():
        raise ValueError("the number of users is no whole number")
    users = int(form["user_count"]) if options.scenario in SHAPES else None
    shape(environment, options, users, parse_timespan(duration) if duration else None)


def _read(known: dict[str, Any], name: str) -> Any:
    """Read a field as Locust will."""
    match known.get(name):
        case list():
            return names(request.form.getlist(name))
        case bool():
            return request.form[name] == "true"
        case _:
            return request.form[name]
