"""Which fields of a form are taken, and within which bounds.

Locust takes every option that it knows from a form, whether the form shows it or not. Some of ours
name programs to start, files to import and folders to write to: they are for the command line
alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from locust.util.timespan import parse_timespan

from loadtests.errors import FieldError
from loadtests.run.options import Options
from loadtests.ui.form import choices, shown
from loadtests.wording import unknown

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
