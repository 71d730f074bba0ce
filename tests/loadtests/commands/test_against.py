"""--against puts a second service beside the first, by command or by address."""

import shlex

import pytest

from loadtests.commands.parser import parser
from loadtests.commands.survive import pair_of, request
from loadtests.errors import ServiceError
from loadtests.report.against import Against
from loadtests.report.summary import summarize
from loadtests.run.file.lines import Run, plan_of
from loadtests.run.options import Options
from tests.support.run_files import plan

START = "--start 'shop=sh serve {port}' --request /orders/7"
MAIN = "sh ../main/serve {port}"


def asked_for(words: str) -> Options:
    return request(parser().parse_args(["survive", *shlex.split(words)]))[0]


def test_the_other_service_is_started_or_reached_like_the_first() -> None:
    options = asked_for(f"{START} --against '{MAIN}'")
    assert options.services == ("shop=sh serve {port}", f"main={MAIN}")
    running = asked_for(
        "--url shop=http://127.0.0.1:8001 --against http://127.0.0.1:8002 --request /orders/7"
    )
    assert running.services == ()
    assert running.urls == ("shop=http://127.0.0.1:8001", "main=http://127.0.0.1:8002")
    assert pair_of(running, 0.1) == Against("shop", "main", 0.1)
    assert pair_of(asked_for(START), 0.1) is None


def test_the_command_of_a_run_can_be_repeated() -> None:
    options = asked_for(f"{START} --against '{MAIN}'")
    command = summarize(Run(plan_of(plan([], options=options.record())))).command
    assert asked_for(command.removeprefix("scripts/survive ")) == options


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "give one other with --start NAME=COMMAND or --url NAME=URL$"),
        (f"{START} --url other=http://localhost:1", "--url NAME=URL, not shop and other$"),
        ("--start 'main=x {port}'", "which it names 'main'.*, not main$"),
    ],
)
def test_it_takes_one_service_to_compare(words: str, message: str) -> None:
    with pytest.raises(ServiceError, match=message):
        asked_for(f"{words} --against '{MAIN}'")
