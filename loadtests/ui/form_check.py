"""What the form asks for, checked before it starts: what is wrong is said above its button.

Fields that the form does not have are refused, whoever sent them. Of wrong values, Locust would
start the test, and only its log would tell why it ended at once. A refused form is shown with its
message. The same form may ask for a shape, which Locust knows but does not show.
"""

from __future__ import annotations

import logging
from argparse import Namespace
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Flask, Response, jsonify, request
from locust.env import Environment
from locust.util.timespan import parse_timespan

from loadtests.errors import FieldError, ServiceError
from loadtests.run.options import Options, names
from loadtests.run.survival.plan import try_parameters
from loadtests.service.checks import check_cells
from loadtests.ui.form import choices, shown
from loadtests.ui.shape_runner import shape
from loadtests.ui.shapes import SHAPES
from loadtests.wording import unknown

USERS = 20  # in the form, where nothing else was asked for: enough to see something at once
LOCUSTS = {"user_count", "spawn_rate", "host", "run_time", "profile"}
PICKED = {"user_classes", "shape_class"}  # where Locust shows its picker of classes
MOST_USERS = 20_000  # ten times what one process sends on schedule; each takes 10 KiB
LONGEST_S = 86_400
BOUNDS = {
    "user_count": ("number of users", 0, MOST_USERS),
    "spawn_rate": ("ramp up", 0.01, MOST_USERS),
    "seed": ("seed", 0, 2**32),
    "spike": ("height of the spike", 0, MOST_USERS),
}

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


def check_names(form: Iterable[str], *, picker: bool) -> None:
    """Raise FieldError for fields that the form does not show."""
    others = set(form) - LOCUSTS - shown() - (PICKED if picker else set())
    if others:
        raise FieldError(
            f"this form does not take {', '.join(map(repr, sorted(others)))}; options that it does "
            "not show are for the command line"
        )


def check_values(form: Mapping[str, str]) -> None:
    """Raise ValueError for values out of bounds; what is no number is for others to name."""
    for name, (what, least, most) in BOUNDS.items():
        number = _number(form.get(name, ""))
        if number is not None and not least <= number <= most:
            raise ValueError(f"{form[name]!r} is out of bounds; the {what} is {least} to {most}")
    for name, known in choices().items():
        if form.get(name, known[0]) not in known:
            raise ValueError(unknown(name, form[name], known))
    run_time_s(form)


def check_options(options: Options, users: int) -> None:
    """Raise ValueError for what would take too long, or too many users at once."""
    times = {"the time of a trial": max(options.beyond.values(), default=0.0)}
    times["the bound of the SLO"] = options.slo.bound_s
    for what, seconds in times.items():
        if seconds > LONGEST_S:
            raise ValueError(f"{what} is {seconds:g} s, which is more than a day")
    if options.scenario == "spike" and users * options.spike > MOST_USERS:
        raise ValueError(
            f"{users} users times {options.spike:g} are too many; a spike has up to {MOST_USERS}"
        )


def run_time_s(form: Mapping[str, str]) -> int | None:
    """Read the run time as Locust does. Raises ValueError for what it cannot be."""
    text = form.get("run_time")
    if not text:
        return None
    try:
        seconds = parse_timespan(text)
    except OverflowError:
        seconds = LONGEST_S + 1
    if seconds > LONGEST_S:
        raise ValueError(f"the run time {text!r} is more than a day; without one, it runs on")
    return seconds


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
