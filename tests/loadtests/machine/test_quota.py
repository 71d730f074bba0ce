"""A CPU quota that stops us is noticed, in the formats of both versions of control groups."""

from pathlib import Path

import pytest

from loadtests.machine import quota
from loadtests.machine.environment import describe as environment_line
from loadtests.machine.platform import cores, usable_cores
from loadtests.machine.quota import throttling

SECOND = """usage_usec 5000000
user_usec 4000000
system_usec 1000000
nr_periods 80
nr_throttled {count}
throttled_usec {us}
nr_bursts 0
burst_usec 0
"""
FIRST = "nr_periods 80\nnr_throttled {count}\nthrottled_time {ns}\nnr_bursts 0\nburst_time 0\n"
UNLIMITED = "usage_usec 5000000\nuser_usec 4000000\nsystem_usec 1000000\n"


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the hierarchies are mounted."""
    monkeypatch.setattr(quota, "PROCESS", tmp_path)
    (tmp_path / "groups").mkdir()
    return tmp_path / "groups"


def describe(groups: Path, cgroup: str, *mounts: str) -> None:
    (groups.parent / "cgroup").write_text(cgroup)
    lines = ["22 1 0:20 / /proc rw,nosuid - proc proc rw", *mounts]
    (groups.parent / "mountinfo").write_text("\n".join(lines) + "\n")


def mounted(kind: str, place: Path, root: str = "/", options: str = "rw") -> str:
    return f"31 22 0:26 {root} {place} rw,nosuid shared:9 - {kind} {kind} {options}"


def limited(group: Path, stat: str, period: str, name: str = "cpu.max") -> None:
    group.mkdir(parents=True, exist_ok=True)
    (group / "cpu.stat").write_text(stat)
    (group / name).write_text(period)


def test_version_2_counts_in_microseconds(groups: Path) -> None:
    describe(groups, "0::/\n", mounted("cgroup2", groups))  # a container with a namespace
    limited(groups, SECOND.format(count=7, us=250_000), "150000 50000\n")
    assert throttling() == pytest.approx((0.25, 0.35))


def test_quotas_of_the_groups_around_ours_count_too(groups: Path) -> None:
    describe(groups, "0::/user.slice/job.scope\n", mounted("cgroup2", groups))
    limited(groups / "user.slice", SECOND.format(count=2, us=100_000), "200000 100000\n")
    limited(groups / "user.slice/job.scope", SECOND.format(count=0, us=0), "max 100000\n")
    limited(groups / "other.slice", SECOND.format(count=9, us=900_000), "200000 100000\n")
    (groups / "cpu.stat").write_text(UNLIMITED)  # the outermost group has no quota
    assert throttling() == pytest.approx((0.1, 0.2))


@pytest.mark.parametrize(
    ("path", "root", "folder"),
    [
        ("/", "/", ""),
        ("/jobs/7", "/", "jobs/7"),
        ("/docker/4f", "/docker/4f", ""),  # a container without a namespace
    ],
)
def test_version_1_counts_in_nanoseconds(groups: Path, path: str, root: str, folder: str) -> None:
    """Beside a hierarchy of version 2 that controls nothing, as systemd sets them up."""
    describe(
        groups,
        f"4:memory:/elsewhere\n3:cpu,cpuacct:{path}\n0::{path}\n",
        mounted("cgroup2", groups / "unified", root),
        mounted("cgroup", groups / "memory", root, "rw,memory"),
        mounted("cgroup", groups / "cpu,cpuacct", root, "rw,cpu,cpuacct"),
    )
    limited(groups / "unified" / folder, UNLIMITED, "max 100000\n")
    period = ("100000\n", "cpu.cfs_period_us")
    stat = FIRST.format(count=3, ns=1_200_000_000)
    limited(groups / "cpu,cpuacct" / folder, stat, *period)
    assert throttling() == pytest.approx((1.2, 0.3))


@pytest.mark.parametrize("stat", [UNLIMITED, "", "nr_throttled many\nthrottled_usec 1\n", "1 2 3"])
def test_nothing_is_known_without_counters(groups: Path, stat: str) -> None:
    assert throttling() is None  # not Linux
    describe(groups, "0::/\n", mounted("cgroup2", groups))
    assert throttling() is None
    limited(groups, stat, "max 100000\n")
    assert throttling() is None


def test_lines_that_nobody_expects_are_no_error(groups: Path) -> None:
    describe(groups, "0::/\n", "cut off")
    assert throttling() is None


@pytest.mark.parametrize(
    ("outer", "inner", "allowed"),
    [
        ("max 100000\n", "50000 100000\n", 0.5),
        ("33333 100000\n", "max 100000\n", 0.33),
        ("80000 100000\n", "20000 50000\n", 0.4),  # the tightest of all
        ("max 100000\n", "max 100000\n", None),
        ("nonsense", "100000 0\n", None),
    ],
)
def test_a_quota_of_version_2_limits_the_cores(
    groups: Path, outer: str, inner: str, allowed: float | None
) -> None:
    describe(groups, "0::/job\n", mounted("cgroup2", groups))
    limited(groups, SECOND, outer)
    limited(groups / "job", SECOND, inner)
    assert cores() == (allowed or len(usable_cores()))


@pytest.mark.parametrize(("allowed", "count"), [("-1", None), ("100000", 1), ("25000", 0.25)])
def test_a_quota_of_version_1_limits_the_cores(
    groups: Path, allowed: str, count: float | None
) -> None:
    describe(groups, "3:cpu,cpuacct:/job\n", mounted("cgroup", groups, "/", "rw,cpu,cpuacct"))
    limited(groups / "job", FIRST, "100000\n", "cpu.cfs_period_us")
    limited(groups / "job", FIRST, f"{allowed}\n", "cpu.cfs_quota_us")
    assert cores() == (count or len(usable_cores()))


def test_a_quota_stands_in_the_environment_line() -> None:
    machine = {"cpu": "Chip", "system": "Linux", "kernel": "6.1.0"}
    without = environment_line({**machine, "cores": 4, "cores_without_quota": 4})
    assert without.startswith("4 cores of Chip, ")
    limited = environment_line({**machine, "cores": 1.5, "cores_without_quota": 4})
    assert limited.startswith("1.5 of 4 cores (CPU quota) of Chip, ")
