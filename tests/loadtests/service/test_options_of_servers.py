"""Options of the server are passed on as given; the server checks them."""

import argparse
import os
from typing import Any

import pytest

from loadtests.service.options import (
    INHERITED,
    OPTION_FLAGS,
    PREFIX,
    SETTLED,
    ServerOptions,
    add_axes,
    axes_of,
    flags,
    without_settings,
)
from loadtests.service.pythons import ServerPython
from server.settings import Settings
from tests.support.cli import run

BAD_PARAMETER = ("--workloads", "sleep", "--models", "hybrid", "--param", "sleep.ms=-1")
GIVEN = ("--threads", "4", "--start-method=spawn", "--switch-interval", "-1")


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_axes(parser)
    return parser.parse_args(words)


def test_every_option_of_the_server_is_passed_on_or_ours() -> None:
    assert {option.name for option in OPTION_FLAGS} == Settings.model_fields.keys() - {
        name.lower() for name in (*SETTLED, *INHERITED)
    }


def test_only_given_options_are_passed_on() -> None:
    assert axes_of(parsed()) == {}
    axes = axes_of(parsed(*GIVEN))
    assert axes == {"threads": "4", "start_method": "spawn", "switch_interval": "-1"}
    assert flags(axes) == ["--threads=4", "--start-method=spawn", "--switch-interval=-1"]
    good = Settings.parse(flags(axes_of(parsed("--threads", "4", "--deadline", "250ms"))))
    assert (good.threads, good.deadline) == (4, 0.25)


def test_variables_for_the_server_count_and_are_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOADBEARING_THREADS", "3")
    monkeypatch.setenv("LOADBEARING_WORKERS", "2")
    monkeypatch.setenv("LOADBEARING_QUEUE", "")
    monkeypatch.setenv("LOADBEARING_PORT", "1")
    monkeypatch.setenv("LOADBEARING_MARKS", "kept")  # of a workload
    servers = ServerOptions.from_arguments(parsed("--threads", "4"))
    assert servers.axes == {"threads": "4", "workers": "2"}
    assert axes_of(parsed()) == {}  # of which only what was typed forbids --retry
    left = {name for name in without_settings(os.environ) if name.startswith(PREFIX)}
    assert "LOADBEARING_MARKS" in left
    assert not left & {"LOADBEARING_THREADS", "LOADBEARING_WORKERS", "LOADBEARING_PORT"}
    with_host = argparse.Namespace(host="http://127.0.0.1:1", workers=None)
    assert ServerOptions.from_arguments(with_host).axes == {}


def test_servers_survive_the_command_line_of_locust() -> None:
    pythons = (ServerPython("3.13t", "/py/bin/python", "3.13t"), ServerPython("3.14", "/py14"))
    servers = ServerOptions({"loop": "asyncio"}, ("/my/mine.py", "my.pack"), "/my", pythons)
    assert ServerOptions.load(servers.dump()) == servers
    assert ServerOptions.load("") == ServerOptions()
    assert servers.arguments() == [
        "--loop=asyncio", "--workloads=/my/mine.py", "--workloads=my.pack"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("survive", "--threads", "0"), "did not start:\n--threads (or LOADBEARING_THREADS) '0'"),
        (("survive", "--host", "http://127.0.0.1:9", "--loops", "2"), "so --loops=2 has no effect"),
        (("survive", "--host", "http://127.0.0.1:9", "--workloads", "json.tool"), "json.tool"),
        (("survive", *BAD_PARAMETER), "GET /sleep/inline?ms=-1 answers 422"),
        (("up", "--port", "0", "--queue", "-1"), "--queue (or LOADBEARING_QU"),
    ],
)
def test_options_that_the_server_rejects_end_with_2(
    options: tuple[str, ...], message: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("refused")
    ended = run("loadtests", *options, directory=folder)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert "Traceback" not in ended.err
    assert list(folder.iterdir()) == []


def test_several_values_of_an_option_make_rows_of_the_models_that_it_affects() -> None:
    options: dict[str, dict[str, Any]] = {
        "threads": {"models": ["thread-pool", "hybrid"]},
        "workers": {"models": None},
    }
    servers = ServerOptions({"threads": "8, 16,8", "workers": "1,2", "queue": "9"})
    assert servers.varied == {"threads": ("8", "16"), "workers": ("1", "2")}
    assert servers.rows(options, "inline") == [{"workers": "1"}, {"workers": "2"}]
    assert servers.rows(options, "hybrid")[1:3] == [
        {"threads": "8", "workers": "2"},
        {"threads": "16", "workers": "1"},
    ]
    assert ServerOptions().rows(options, "hybrid") == [{}]
    assert servers.first == {"threads": "8", "workers": "1"}
    assert servers.only({"workers": "2"}).arguments() == ["--queue=9", "--workers=2"]
