"""A form starts what it shows, within bounds, and nothing that is for the command line alone."""

import json

import pytest

from tests.support.locust_ui import CELL, Interface

HIDDEN = {
    "servers": '{"axes": {}, "modules": [], "directory": ".", "pythons": []}',
    "output": "./anywhere",
    "running_service": "true",
    **dict.fromkeys(("options", "allow_host"), "1"),
    **dict.fromkeys(("locustfile", "csv_prefix", "json_file", "web_host", "master_host"), "mine"),
    **dict.fromkeys(("user_classes", "shape_class", "nosuch"), "LoadUser"),
}

SURVIVAL = {"scenario": "survival"}

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize("field", HIDDEN)
def test_a_form_does_not_take_what_it_does_not_show(idle_ui: Interface, field: str) -> None:
    form = {**CELL, "scenario": "survival", field: HIDDEN[field]}
    answer = idle_ui.ask("/swarm", form)
    assert answer.status == 400
    assert f"this form does not take {field!r}; " in json.loads(answer.body)["message"]


def test_there_are_no_classes_of_users_to_edit(idle_ui: Interface) -> None:
    assert idle_ui.ask("/user", {"user_class_name": "LoadUser"}).status == 400


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"user_count": "99999999999"}, "out of bounds; the number of users is 0 to 20000"),
        ({"spawn_rate": "1e300"}, "out of bounds; the ramp up is 0.01 to 20000"),
        ({"spawn_rate": "nan"}, "out of bounds; the ramp up is 0.01 to 20000"),
        ({"scenario": "steps", "steps": "0"}, "the number of steps is 1 to 1000"),
        ({"seed": "-1"}, "invalid seed '-1': expected 0 to 4294967296"),
        ({"run_time": f"{'9' * 30}h"}, "longer than a day; leave it empty to run until stopped"),
        ({"run_time": "25h"}, "longer than a day; leave it empty to run until stopped"),
        ({"run_time": "soon"}, "Invalid time span format"),
        ({"beyond": "soak=1000h", **SURVIVAL}, "the time of a trial is 3.6e+06 s"),
        ({"slo": "p99<9999m"}, "the bound of the SLO is 599940 s, which is longer than a day"),
        ({"scenario": "spike", "user_count": "9999"}, "a spike has at most 20000"),
        ({"scenario": "step"}, "unknown scenario 'step'; did you mean 'steps'?"),
        ({"mode": "long"}, "unknown mode 'long'; expected quick, full"),
        (
            {"baseline": "thread-pol", **SURVIVAL},
            "--baseline: unknown row 'thread-pol'; expected inline",
        ),
        (
            {"need": "kill-late", **SURVIVAL},
            "--need: unknown promise 'kill-late'; did you mean 'kills-late'?",
        ),
        ({"at_load": "0.5"}, "invalid load '0.5': expected 1 to 100000"),
        ({"host": "http://a..b"}, "'http://a..b' is not the address of a service: expected e.g."),
        ({"host": "http://a..b", **SURVIVAL}, "'http://a..b' is not the address of a service: "),
        ({"models": "nosuch"}, "unknown model 'nosuch'; expected inline"),
        ({"models": "nosuch", **SURVIVAL}, "unknown model 'nosuch'; expected inline"),
        ({"models": "", **SURVIVAL}, "choose at least one workload and one model"),
        ({"workloads": "./evil.py"}, "unknown workload './evil.py'"),
        ({"workloads": "os.path"}, "unknown workload 'os.path'"),
    ],
    ids=str,
)
def test_values_have_bounds(idle_ui: Interface, changed: dict[str, str], message: str) -> None:
    answer = idle_ui.ask("/swarm", {**CELL, **changed})
    reply = json.loads(answer.body)
    assert (answer.status, reply["success"]) == (200, False)
    assert message in reply["message"]
