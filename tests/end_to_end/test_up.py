"""`python -m loadtests up`: the server and the Locust UI come up, work together, and go."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.service.contract import discover
from tests.support.cli import Begun, free_port, gone, run, soon
from tests.support.locust_ui import Interface, choices, fields, up

STEADY = {
    "user_count": "20",
    "spawn_rate": "20",
    "load": "open",
    "arrivals": "uniform",
    "scenario": "steady",
    "slo": "p99<250ms",
    "mode": "quick",
    "param": "sleep.ms=1",
    "seed": "1",
}
MODULE = '''
from server.workloads import workload

@workload(kind="cpu")
def nap() -> int:
    """Do nothing for a while."""
    return 1
'''

pytestmark = pytest.mark.usefixtures("database")


def server_of(command: Begun, interface: Interface) -> str:
    """Read the address of the server from the line that announces both."""
    line = re.match(r"Server: (\S+)   Locust UI: (\S+)   Ctrl-C stops both\n", command.out())
    assert line, command.out()
    assert line[2] == interface.url
    return line[1]


@pytest.fixture(scope="module")
def both(
    database: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Begun, Interface, str]]:
    with up(tmp_path_factory.mktemp("up")) as (command, interface):
        yield command, interface, server_of(command, interface)


def test_the_form_offers_what_the_server_has(both: tuple[Begun, Interface, str]) -> None:
    _, interface, url = both
    discovery, page = discover(url), interface.page()
    assert page
    assert choices(page, "workloads") == list(discovery.workloads)
    models = choices(page, "models")
    assert models == [name for name, model in discovery.models.items() if model["available"]]
    assert {"sleep", "primes"} < set(discovery.workloads)
    assert {"inline", "process-pool"} < set(models)
    scenarios = ["steady", "compare", "steps", "spike", "soak", "survival"]
    assert choices(page, "scenario") == scenarios
    assert [*fields(page)][:5] == ["scenario", "workloads", "models", "param", "load"]
    assert url in page


@pytest.mark.parametrize(
    ("field", "wrong", "message"),
    [
        ("slo", "nonsense", "invalid SLO 'nonsense'"),
        ("param", "sleep.ms=nine", "answers 422"),
        ("host", "http://127.0.0.1:1", "nothing answers at http://127.0.0.1:1"),
    ],
)
def test_a_wrong_form_is_reported_and_starts_nothing(
    both: tuple[Begun, Interface, str], field: str, wrong: str, message: str
) -> None:
    command, interface, url = both
    given = {**STEADY, "host": url, field: wrong}
    answer = interface.post("/swarm", *given.items(), ("workloads", "sleep"), ("models", "async"))
    assert not answer["success"]
    assert message in answer["message"]
    assert message in command.err()
    assert interface.rows("ready") is not None


def test_a_shape_ends_by_itself(both: tuple[Begun, Interface, str]) -> None:
    _, interface, url = both
    few = {**STEADY, "scenario": "steps", "user_count": "1", "host": url}
    cell = [("workloads", "noop"), ("models", "inline")]
    assert "give more users" in interface.post("/swarm", *few.items(), *cell)["message"]
    given = {**few, "user_count": "20", "steps": "2", "run_time": "4s", "param": ""}
    assert interface.post("/swarm", *given.items(), *cell)["success"]
    rows = soon(lambda: interface.rows("stopped"))
    assert rows.keys() == {"noop/inline", "Aggregated"}
    assert rows["noop/inline"]["num_requests"] > 0


def test_the_form_starts_a_load_that_can_be_stopped(both: tuple[Begun, Interface, str]) -> None:
    _, interface, url = both
    names = {
        f"{workload}/{model}" for workload in ("sleep", "noop") for model in ("async", "inline")
    }
    chosen = [("workloads", "sleep"), ("workloads", "noop"), ("models", "async")]
    given = [*STEADY.items(), *chosen, ("models", "inline"), ("host", url)]
    assert interface.post("/swarm", *given)["success"]
    soon(lambda: names <= (interface.rows("running") or {}).keys())
    assert interface.post("/stop")["success"]
    rows = soon(lambda: interface.rows("stopped"))
    assert rows.keys() == names | {"Aggregated"}
    assert all(row["num_failures"] == 0 < row["num_requests"] for row in rows.values())


def test_ctrl_c_ends_both(both: tuple[Begun, Interface, str]) -> None:
    command, interface, _ = both
    processes = command.below()
    assert len(processes) > 2
    assert command.press_ctrl_c() == 0
    soon(lambda: gone(processes))
    assert interface.page() is None
    assert "Traceback" not in command.err()


def test_axes_and_modules_go_to_the_server_and_into_the_form(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MODULE)
    own = ("--workloads", "./mine.py,sleep", "--threads", "3")
    with up(tmp_path, *own) as (command, interface):
        assert discover(server_of(command, interface)).runtime["threads"] == 3
        page = interface.page() or ""
        assert "nap" in choices(page, "workloads")
        assert fields(page)["workloads"]["default_value"] == ["nap", "sleep"]
        assert command.press_ctrl_c() == 0


@pytest.mark.parametrize("option", ["--port", "--web-port"])
def test_a_taken_port_is_reported(option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        other = ("--web-port", str(free_port())) if option == "--port" else ("--port", "0")
        ended = run("loadtests", "up", option, str(port), *other)
    assert (ended.code, ended.out) == (2, "")
    assert str(port) in ended.err
    assert option in ended.err
    assert "Address already in use" in ended.err
    assert "Traceback" not in ended.err
