"""Locust offers what its users stand for, names rows after cells, and says what it cannot do."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.cli import Ended, run
from tests.support.server_process import ROOT, running

LOCUST = ("locust", "-f", "loadtests/locustfile.py", "--headless")
RATE = 40  # users, each of which is one arrival a second


@dataclass(frozen=True, slots=True)
class Row:
    """What Locust says of one name: its requests, and the seconds from the first to the last."""

    requests: int
    failures: int
    span_s: float
    mean_ms: float
    each_second: tuple[int, ...]

    @property
    def rate(self) -> float:
        return self.requests / self.span_s


@pytest.fixture(scope="module")
def url(database: None) -> Iterator[str]:
    with running("--models", "thread-pool,async,inline", module="server") as server:
        yield server.url


def hammered(folder: Path, url: str, *options: str) -> tuple[Ended, dict[str, Row]]:
    """Let Locust run, and read the rows that it has written."""
    ended = run(*LOCUST, "--host", url, "--json-file", str(folder / "rows"), *options)
    rows = json.loads((folder / "rows.json").read_text())
    return ended, {
        row["name"]: Row(
            row["num_requests"],
            row["num_failures"],
            row["last_request_timestamp"] - row["start_time"],
            row["total_response_time"] / row["num_requests"],
            tuple(row["num_reqs_per_sec"].values()),
        )
        for row in rows
    }


def users(count: int, seconds: int) -> tuple[str, ...]:
    return ("-u", str(count), "-r", str(count), "-t", f"{seconds}s")


@pytest.mark.measures
def test_one_user_is_one_arrival_a_second(url: str, tmp_path: Path) -> None:
    options = ("--workloads", "sleep", "noop", "--models", "thread-pool", "async")
    ended, rows = hammered(tmp_path, url, *users(RATE, 3), *options)
    assert ended.code == 0, ended.err
    assert "send lag p50" in ended.err
    cells = {"sleep/thread-pool", "sleep/async", "noop/thread-pool", "noop/async"}
    assert rows.keys() == cells, "and not the bystander"
    assert all(row.failures == 0 for row in rows.values())
    span_s = max(row.span_s for row in rows.values())
    assert sum(row.requests for row in rows.values()) / span_s == pytest.approx(RATE, rel=0.35)
    counts = [rows[cell].requests for cell in cells]
    assert max(counts) - min(counts) <= 1, "the cells take turns"
    assert rows["sleep/async"].mean_ms >= 10 > rows["noop/async"].mean_ms


def test_closed_users_wait_for_their_answers(url: str, tmp_path: Path) -> None:
    options = ("--load", "closed", "--workloads", "sleep", "--models", "async")
    ended, rows = hammered(tmp_path, url, *users(8, 4), *options, "--param", "sleep.ms=100")
    assert ended.code == 0, ended.err
    [(name, row)] = rows.items()
    assert (name, row.failures) == ("sleep/async", 0)
    assert row.mean_ms >= 100
    assert 8 * 3 < row.rate < 8 / 0.1 * 1.2


def test_failures_are_counted_and_end_with_1(url: str, tmp_path: Path) -> None:
    options = ("--workloads", "sleep", "--models", "async", "--param", "sleep.ms=nine")
    texts = ("--csv", str(tmp_path / "texts"))
    ended, rows = hammered(tmp_path, url, *users(RATE, 4), *options, *texts)
    assert ended.code == 1
    assert rows["sleep/async"].failures == rows["sleep/async"].requests > 0
    assert ",422: " in (tmp_path / "texts_failures.csv").read_text()


SURVIVAL = ("--scenario", "survival", "--workloads", "sleep", "--models", "inline")
NOWHERE = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--workloads", "slep"), "unknown workload 'slep'; did you mean 'sleep'?"),
        (
            ("--workloads", "sleep", "--models", "asinc"),
            "unknown model 'asinc'; did you mean 'async'?",
        ),
        (
            ("--workloads", "primes", "--models", "async"),
            "primes/async cannot run at http://127.0.0.1:",
        ),
        (("--scenario", "compare", *SURVIVAL[2:]), "compare needs at least two cells"),
        ((*SURVIVAL, "--slo", "nonsense"), "invalid SLO 'nonsense'"),
        ((*SURVIVAL, "--param", "nonsense"), "invalid parameter 'nonsense'"),
        ((*SURVIVAL, "--param", "sleep.ms=-1"), "GET /sleep/inline?ms=-1 answers 422"),
        (("--scenario", "steps", "--steps", "1"), "locust: steps must be 2 to 100, not 1"),
        (("--tags", "any"), "locust: -T/--tags leaves nothing to run"),
        (("--host", NOWHERE, "--workloads", "sleep"), f"nothing answers at {NOWHERE}"),
    ],
)
def test_what_cannot_be_done_is_said_and_ends_with_2(
    url: str, options: tuple[str, ...], message: str
) -> None:
    ended = run(*LOCUST, "--host", url, *users(1, 60), *options)
    assert ended.code == 2
    assert message in ended.err
    assert "Traceback" not in ended.err


def test_locust_finds_our_code_from_any_folder(url: str, tmp_path: Path) -> None:
    words = ("-f", str(ROOT / LOCUST[2]), "--headless", "--models", "asinc", "--host", url)
    ended = run("locust", *words, *users(1, 60), directory=tmp_path, PYTHONPATH="")
    assert ended.code == 2
    assert "unknown model 'asinc'; did you mean 'async'?" in ended.err
