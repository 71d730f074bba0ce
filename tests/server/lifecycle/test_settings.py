"""Each option is declared once: a flag, an environment variable, help, and bounds."""

import os
import sys
import tomllib
from pathlib import Path

import pytest

from server.cores import cores
from server.settings import GROUPS, PREFIX, VERSION, Settings, duration, flag
from server.tables import MODELS
from tests.support.server_process import ROOT


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)


def test_defaults() -> None:
    settings = Settings.parse([])
    assert (settings.host, settings.port, settings.loop) == ("127.0.0.1", 8080, "uvloop")
    assert settings.models == ()
    assert settings.processes == cores() >= 1
    assert settings.start_method == "forkserver"
    assert settings.deadline == 5
    assert settings.switch_interval == sys.getswitchinterval()


@pytest.mark.parametrize(
    ("kind", "group", "files", "expected"),
    [
        ("cgroup2 cgroup rw", "0::/box", {"box/cpu.max": "50000 100000"}, 1),
        ("cgroup2 cgroup rw", "0::/box", {"box/cpu.max": "max 100000", "cpu.max": "10 100"}, 1),
        ("cgroup cgroup rw,cpu", "4:cpu:/box", {"box/cpu.cfs_quota_us": "-1"}, None),
        (
            "cgroup cgroup rw,cpu",
            "4:cpu,cpuacct:/box",
            {"box/cpu.cfs_quota_us": "90000", "box/cpu.cfs_period_us": "100000"},
            1,
        ),
        ("cgroup2 cgroup rw", "0::/box", {"box/cpu.max": "9900000 100000"}, None),
        ("cgroup2 cgroup rw", "0::/box", {"box/cpu.max": "nonsense"}, None),
        ("tmpfs tmpfs rw", "nonsense", {}, None),
    ],
)
def test_a_quota_limits_the_cores(
    kind: str, group: str, files: dict[str, str], expected: int | None, tmp_path: Path
) -> None:
    (tmp_path / "box").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "cgroup").write_text(f"{group}\n")
    (tmp_path / "mountinfo").write_text(f"1 1 0:1 / {tmp_path} rw - {kind}\n")
    assert cores(tmp_path) == (expected or len(os.sched_getaffinity(0)))


VALUES = [
    ("host", "localhost", "localhost"),
    ("port", "0", 0),
    ("allow_host", "bench.lan, bench", ("bench.lan", "bench")),
    ("models", "inline, hybrid", ("inline", "hybrid")),
    ("workloads", "shop.prices, tax.py", ("shop.prices", "tax.py")),
    ("postgres", "postgresql://localhost/shop", "postgresql://localhost/shop"),
    ("loop", "asyncio", "asyncio"),
    ("loops", "2", 2),
    ("workers", "2", 2),
    ("switch_interval", "0.0005", 0.0005),
    ("threads", "7", 7),
    ("processes", "3", 3),
    ("start_method", "spawn", "spawn"),
    ("dask", "tcp://127.0.0.1:8786", "tcp://127.0.0.1:8786"),
    ("admission", "lifo", "lifo"),
    ("target", "1s", 1.0),
    ("queue", "0", 0),
    ("deadline", "250ms", 0.25),
]


def test_every_option_is_tested_and_in_a_group() -> None:
    assert [name for name, _, _ in VALUES] == list(Settings.model_fields)
    assert [name for names in GROUPS.values() for name in names] == list(Settings.model_fields)


@pytest.mark.parametrize(("name", "text", "value"), VALUES)
def test_an_option_is_a_flag_and_a_variable(
    name: str, text: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert getattr(Settings.parse([flag(name), text]), name) == value
    assert getattr(Settings.parse([f"{flag(name)}={text}"]), name) == value
    monkeypatch.setenv(PREFIX + name.upper(), text)
    assert getattr(Settings.parse([]), name) == value


def test_the_flag_takes_precedence_over_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOADBEARING_THREADS", "7")
    assert Settings.parse(["--threads", "8"]).threads == 8


@pytest.mark.parametrize(
    ("words", "models"),
    [
        (["--models", "all"], tuple(MODELS)),
        (["--models", "inline", "--models", "async"], ("inline", "async")),
    ],
)
def test_models_may_come_under_one_name_or_in_several_lists(
    words: list[str], models: tuple[str, ...]
) -> None:
    assert Settings.parse(words).models == models


def test_a_path_may_contain_a_comma(tmp_path: Path) -> None:
    path = tmp_path / "a,b.py"
    path.touch()
    assert Settings.parse(["--workloads", str(path)]).workloads == (str(path),)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("30s", 30), ("2m", 120), ("1.5s", 1.5), ("5", 5), (" 1 s ", 1)],
)
def test_duration(text: str, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "fast", "-1s", "1h", "1 s s", "1e3", "nan"])
def test_invalid_durations(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid duration .*; write 250ms, 30s or 2m"):
        duration(text)


WRONG = [
    ("port", "-1", "greater than or equal to 0"),
    ("port", "65536", "less than or equal to 65535"),
    ("port", "http", "valid integer"),
    ("loop", "trio", "'uvloop' or 'asyncio'"),
    ("threads", "0", "greater than or equal to 1"),
    ("processes", "1000", "less than or equal to 256"),
    ("start_method", "thread", "'forkserver', 'spawn' or 'fork'"),
    ("queue", "-1", "greater than or equal to 0"),
    ("deadline", "soon", "invalid duration 'soon'; write 250ms, 30s or 2m"),
    ("deadline", "0s", "greater than or equal to 0.000001"),
    ("switch_interval", "0", "greater than or equal to 0.000001"),
    ("switch_interval", "11", "less than or equal to 10"),
    ("allow_host", "http://bench.lan", "'http://bench.lan' is not a host name; write only"),
    ("models", "inline,treads", "unknown model 'treads'. There are: all, async, dask, "),
    ("models", "all,treads", "unknown model 'treads'. There are: all, async, dask, "),
    ("host", "", "at least 1 character"),
    ("models", "thred-pool", "unknown model 'thred-pool'. Did you mean 'thread-pool'?"),
]


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Parse wrong arguments, and return the one line of the error."""
    with pytest.raises(SystemExit) as ended:
        Settings.parse(arguments)
    assert ended.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize(("name", "text", "reason"), WRONG)
def test_a_wrong_flag_or_variable_ends_with_2_and_is_named(
    name: str,
    text: str,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = refusal([f"{flag(name)}={text}"], capsys)
    assert line.startswith(f"python -m server: {flag(name)} (or {PREFIX}{name.upper()}) ")
    assert reason in line
    monkeypatch.setenv(PREFIX + name.upper(), text)
    assert refusal([], capsys) == line


def test_workers_and_loops_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    line = refusal(["--workers", "2", "--loops", "2"], capsys)
    assert line == (
        "python -m server: --workers and --loops exclude each other; choose one of them"
    )


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--treads", "3"], "unknown option '--treads'. Did you mean '--threads'?"),
        (["--thread=3"], "unknown option '--thread'. Did you mean '--threads'?"),
        (["--xyzzy"], "unknown option '--xyzzy'."),
        (["--models", "inline", "async"], "unexpected argument 'async' (separate list items with"),
        (["--port"], "--port: expected one argument"),
    ],
)
def test_unknown_arguments_end_with_2_and_without_a_page_of_usage(
    words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        Settings.parse(words)
    assert ended.value.code == 2
    message, help_line = capsys.readouterr().err.splitlines()
    assert message.startswith("python -m server: error: ")
    assert reason in message
    assert help_line == "For all options: python -m server --help"


def output(option: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        Settings.parse([option], lambda: ["sleep", "primes"])
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("columns", ["60", "120"])
def test_help_has_every_option_with_its_default_and_variable(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    text = output("--help", capsys)
    assert all(len(line) <= 100 for line in text.splitlines())
    joined = " ".join(text.split())
    for name, field in Settings.model_fields.items():
        default = {"target": "150ms", "deadline": "5s", "switch_interval": "5ms"}.get(
            name, str(field.default)
        )
        default = f"default {default}; " if field.default not in ((), None) else ""
        assert f"{field.description} [{default}{PREFIX}{name.upper()}]" in joined
        assert f"\n  {flag(name)} " in text
    for group in GROUPS:
        assert f"\n\n{group.capitalize()}:\n" in text
    assert text.startswith("usage: python -m server [options]\n\nAn aiohttp server that runs ")
    assert f"Models: {', '.join(MODELS)}." in joined
    assert "Workloads: sleep, primes." in joined
    assert "python -m server --threads 32 --workloads shop.py" in text


def test_version_is_that_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION
    assert output("--version", capsys).startswith(f"loadbearing {VERSION} (Python ")
