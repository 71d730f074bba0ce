"""Check the form before a test starts, so that errors are shown above its button.

Locust would start the test, and only its log would say why it ended at once. Locust also takes
every option that it knows from a form, whether the form shows it or not. Some of ours name
programs to start, files to import and folders to write to: those are refused here, because they
are for the command line only.
"""

from __future__ import annotations

import logging
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, jsonify, request
from locust.env import Environment
from locust.util.timespan import parse_timespan

from loadtests.errors import FieldError, ServiceError
from loadtests.run.flags import names
from loadtests.run.options import Options
from loadtests.run.survival.plan import requested
from loadtests.service.contract import check_address, discover
from loadtests.service.warm_up import check_cells, try_parameters
from loadtests.ui.form import CHOICES, SHOWN
from loadtests.ui.shape_runner import shape
from loadtests.ui.shapes import SHAPES
from loadtests.wording import unknown

USERS = 20  # preset in the form: enough to see something at once
LOCUSTS = {"user_count", "spawn_rate", "host", "run_time", "profile"}
PICKED = {"user_classes", "shape_class"}  # where Locust shows its picker of classes
MOST_USERS = 20_000  # ten times what one process sends on schedule; each takes 10 KiB
MOST_STEPS = 1000
LONGEST_S = 86_400
BOUNDS = {
    "user_count": ("number of users", 0, MOST_USERS),
    "spawn_rate": ("ramp up", 0.01, MOST_USERS),
    "steps": ("number of steps", 1, MOST_STEPS),
    "spike": ("height of the spike", 0, MOST_USERS),
}

log = logging.getLogger("loadbearing")


def check_forms(app: Flask, base: str, environment: Environment) -> None:
    """Check each form before Locust reads it."""
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
            _check_values(request.form, picker=picker)
            if runner is not None and runner.state in {"spawning", "running"}:
                _check_change(environment)
            else:
                _check(environment)
        except (ValueError, ServiceError) as error:
            return _refused(environment, str(error))
        except FieldError as error:
            return _refused(environment, str(error)), 400
        return None


def _refused(environment: Environment, why: str) -> Response:
    log.error("%s", why)
    return jsonify({"success": False, "message": why, "host": environment.host})


def _chosen(environment: Environment) -> Options:
    known = vars(environment.parsed_options)
    return Options.of(Namespace(**known | {name: _read(known, name) for name in request.form}))


def _check_change(environment: Environment) -> None:
    """Raise ValueError for a change of a running test, whose number of users alone may change.

    Locust takes the other fields all the same, and keeps them for the next test.
    """
    options = _chosen(environment)
    if request.form.get("host", environment.host) != environment.host:
        raise ValueError("a test is running; stop it before you choose another host")
    _check_names(options, str(environment.host))


def _check(environment: Environment) -> None:
    """Raise ValueError or ServiceError for a test that cannot run."""
    form, options = request.form, _chosen(environment)
    url = form.get("host") or str(environment.host)
    if options.scenario != "survival" or options.host:
        discovery = check_cells(url, options.cells, options.parameters)
        try_parameters(options.parameters, discovery, url)
    if options.scenario == "survival":
        _check_names(options, url)
    users = 0
    if options.scenario in SHAPES:
        if not form.get("user_count", "").isdecimal():
            raise ValueError("users must be a whole number")
        users = int(form["user_count"])
    times = {"the time of a trial": max(options.beyond.values(), default=0.0)}
    times["the bound of the SLO"] = options.slo.bound_s
    for what, seconds in times.items():
        if seconds > LONGEST_S:
            raise ValueError(f"{what} is {seconds:g} s, which is longer than a day")
    if options.scenario == "spike" and users * options.spike > MOST_USERS:
        raise ValueError(
            f"{users} users times {options.spike:g} is too many: a spike has at most {MOST_USERS}"
        )
    shape(environment, options, users, _run_time_s(form))


def _check_names(options: Options, url: str) -> None:
    """Check the names in a form as far as a service is there, which a survival run can do without.

    A service that is under load may not answer.
    """
    check_address(url)
    try:
        discovery = discover(url)
    except ServiceError:
        return
    requested(options, discovery)


def _read(known: Mapping[str, Any], name: str) -> Any:
    """Read a field as Locust will."""
    match known.get(name):
        case list():
            return names(request.form.getlist(name))
        case bool():
            return request.form[name] == "true"
        case _:
            return request.form[name]


def _check_values(form: Mapping[str, str], *, picker: bool) -> None:
    """Raise FieldError for fields that the form does not show, ValueError for values out of bounds.

    Other checks report what is not a number.
    """
    others = set(form) - LOCUSTS - SHOWN - (PICKED if picker else set())
    if others:
        raise FieldError(
            f"this form does not take {', '.join(map(repr, sorted(others)))}; options that it does "
            "not show can only be set on the command line"
        )
    for name, (what, least, most) in BOUNDS.items():
        number = _number(form.get(name, ""))
        if number is not None and not least <= number <= most:
            raise ValueError(f"{form[name]!r} is out of bounds; the {what} is {least} to {most}")
    for name, known in CHOICES.items():
        if form.get(name, known[0]) not in known:
            raise ValueError(unknown(name, form[name], known))
    _run_time_s(form)


def _run_time_s(form: Mapping[str, str]) -> int | None:
    """Read the run time as Locust does. Raises ValueError if it is invalid."""
    text = form.get("run_time")
    if not text:
        return None
    try:
        seconds = parse_timespan(text)
    except OverflowError:
        seconds = LONGEST_S + 1
    if seconds > LONGEST_S:
        raise ValueError(
            f"the run time {text!r} is longer than a day; leave it empty to run until stopped"
        )
    return seconds


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
