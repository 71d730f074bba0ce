"""Each option is one declaration: a flag, an environment variable, a line of help, and bounds."""

import sys

import pytest

from server.model_table import TABLE
from server.settings import PREFIX, Settings, cores, duration


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)


def flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def test_defaults() -> None:
    settings = Settings.parse([])
    assert (settings.host, settings.port, settings.loop) == ("127.0.0.1", 8080, "uvloop")
    assert settings.models == ()
    assert settings.processes == cores() >= 1
    assert settings.start_method == "forkserver"
    assert settings.deadline == 5
    assert settings.switch_interval == sys.getswitchinterval()


VALUES = [
    ("host", "localhost", "localhost"),
    ("port", "0", 0),
    ("allow_host", "bench.lan, bench", ("bench.lan", "bench")),
    ("loop", "asyncio", "asyncio"),
    ("threads", "7", 7),
    ("processes", "3", 3),
    ("start_method", "spawn", "spawn"),
    ("admission", "lifo", "lifo"),
    ("target", "1s", 1.0),
    ("queue", "0", 0),
    ("deadline", "250ms", 0.25),
    ("switch_interval", "0.0005", 0.0005),
    ("workers", "2", 2),
    ("loops", "2", 2),
    ("models", "inline, hybrid", ("inline", "hybrid")),
    ("workloads", "shop.prices, tax.py", ("shop.prices", "tax.py")),
    ("dask", "tcp://127.0.0.1:8786", "tcp://127.0.0.1:8786"),
]


def test_these_tests_know_every_option() -> None:
    assert [name for name, _, _ in VALUES] == list(Settings.model_fields)


@pytest.mark.parametrize(("name", "text", "value"), VALUES)
def test_flag(name: str, text: str, value: object) -> None:
    assert getattr(Settings.parse([flag(name), text]), name) == value
    assert getattr(Settings.parse([f"{flag(name)}={text}"]), name) == value


@pytest.mark.parametrize(("name", "text", "value"), VALUES)
def test_environment_variable(
    name: str, text: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PREFIX + name.upper(), text)
    assert getattr(Settings.parse([]), name) == value


def test_the_flag_is_stronger_than_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOADBEARING_THREADS", "7")
    assert Settings.parse(["--threads", "8"]).threads == 8


def test_all_models_have_a_name() -> None:
    assert Settings.parse(["--models", "all"]).models == tuple(TABLE)


def test_models_may_come_in_one_list_or_in_several() -> None:
    assert Settings.parse(["--models", "inline", "--models", "async"]).models == ("inline", "async")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("30s", 30), ("2m", 120), ("1.5s", 1.5), ("5", 5), (" 1 s ", 1)],
)
def test_duration(text: str, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "fast", "-1s", "1h", "1 s s", "1e3", "nan"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration; write 250ms, 30s or 2m"):
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
    ("deadline", "soon", "'soon' is no duration; write 250ms, 30s or 2m"),
    ("deadline", "0s", "greater than 0"),
    ("switch_interval", "0", "greater than 0"),
    ("allow_host", "http://bench.lan", "'http://bench.lan' is not a host name; write it alone"),
    ("models", "inline,treads", "there is no model 'treads'; there are inline, async"),
    ("models", "thred-pool", "there is no model 'thred-pool'; did you mean 'thread-pool'?"),
]


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Parse what cannot be parsed, and return the one line that says so."""
    with pytest.raises(SystemExit) as ended:
        Settings.parse(arguments)
    assert ended.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize(("name", "text", "reason"), WRONG)
def test_a_wrong_flag_ends_with_2_and_names_flag_and_variable(
    name: str, text: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refusal([f"{flag(name)}={text}"], capsys)
    assert line.startswith(f"python -m server: {flag(name)} (or {PREFIX}{name.upper()}) ")
    assert reason in line


@pytest.mark.parametrize(("name", "text", "reason"), WRONG)
def test_a_wrong_variable_ends_with_2_and_names_flag_and_variable(
    name: str,
    text: str,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(PREFIX + name.upper(), text)
    line = refusal([], capsys)
    assert line.startswith(f"python -m server: {flag(name)} (or {PREFIX}{name.upper()}) ")
    assert reason in line


def test_workers_and_loops_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    line = refusal(["--workers", "2", "--loops", "2"], capsys)
    assert line == (
        "python -m server: --workers and --loops exclude each other: choose one of them"
    )


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--treads", "3"], "there is no option '--treads'; did you mean '--threads'?"),
        (["--thread=3"], "there is no option '--thread'; did you mean '--threads'?"),
        (["--xyzzy"], "there is no option '--xyzzy'"),
        (
            ["--models", "inline", "async"],
            "unexpected argument 'async' (separate list items with commas",
        ),
        (["--port"], "--port: expected one argument"),
    ],
)
def test_words_that_nothing_takes_end_with_2_and_without_a_page_of_usage(
    words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        Settings.parse(words)
    assert ended.value.code == 2
    said, help_line = capsys.readouterr().err.splitlines()
    assert said.startswith("python -m server: error: ")
    assert reason in said
    assert help_line == "For all options: python -m server --help"


def test_help_lists_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        Settings.parse(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for name, field in Settings.model_fields.items():
        assert flag(name) in text
        assert field.description
        assert field.description.split()[0] in text
    assert "LOADBEARING_START_METHOD" in text
