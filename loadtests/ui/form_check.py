"""What the form asks for, checked before it starts: what is wrong is said above its button.

Fields that the form does not have are refused, whoever sent them. Of wrong values, Locust would
start the test, and only its log would tell why it ended at once. A refused form is shown with its
message. The same form may ask for a shape, which Locust knows but does not show.
"""

from __future__ import annotations

import logging
from argparse import Namespace
from typing import Any

from flask import Flask, Response, jsonify, request
from locust.env import Environment

from loadtests.errors import FieldError, ServiceError
from loadtests.run.options import Options, names
from loadtests.run.survival.plan import try_parameters
from loadtests.service.checks import check_cells
from loadtests.ui.form_fields import check_names, check_options, check_values, run_time_s
from loadtests.ui.shape_runner import shape
from loadtests.ui.shapes import SHAPES

USERS = 20  # in the form, where nothing else was asked for: enough to see something at once

log = logging.getLogger("loadbearing")


def check_forms(app: Flask, base: str, environment: Environment) -> None:
    """Look at each form before Locust does."""
    parsed = environment.parsed_options
    if parsed is not None and not parsed.autostart:
        parsed.num_users = parsed.num_users or USERS
        parsed.spawn_rate = parsed.spawn_rate or USERS

    @app.before_request
    def look() -> Response | tuple[Response, int] | None:
        runner, ui = environment.runner, environment.web_ui
        picker = ui is not None and ui.userclass_picker_is_active
        if request.path == f"{base}/user" and not picker:
            return _refused(environment, "this UI has no user classes to edit"), 400
        if request.method != "POST" or request.path != f"{base}/swarm":
            return None
        try:
            check_names(request.form, picker=picker)
            check_values(request.form)
            if runner is not None and runner.state not in {"spawning", "running"}:
                _check(environment)  # else it changes the users of a test, and nothing else
        except (ValueError, ServiceError) as error:
            return _refused(environment, str(error))
        except FieldError as error:
            return _refused(environment, str(error)), 400
        return None


def _refused(environment: Environment, why: str) -> Response:
    log.error("%s", why)
    return jsonify({"success": False, "message": why, "host": environment.host})


def _check(environment: Environment) -> None:
    """Raise ValueError or ServiceError for what cannot be done."""
    form = request.form
    known = vars(environment.parsed_options)
    options = Options.of(Namespace(**{**known, **{name: _read(known, name) for name in form}}))
    url = form.get("host") or str(environment.host)
    if options.scenario != "survival" or options.host:
        found = check_cells(url, options.cells, options.parameters)
        try_parameters(options.parameters, found, url)
    if options.scenario in SHAPES and not form.get("user_count", "").isdecimal():
        raise ValueError("the number of users is no whole number")
    users = int(form["user_count"]) if options.scenario in SHAPES else None
    check_options(options, users or 0)
    shape(environment, options, users, run_time_s(form))


def _read(known: dict[str, Any], name: str) -> Any:
    """Read a field as Locust will."""
    match known.get(name):
        case list():
            return names(request.form.getlist(name))
        case bool():
            return request.form[name] == "true"
        case _:
            return request.form[name]
