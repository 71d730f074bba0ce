"""A lesson says what to expect of a workload, and then what it has shown."""

import io

import pytest
from rich.console import Console

from loadtests.commands.lesson import CELLS, LessonScreen
from loadtests.commands.parser import parser
from loadtests.commands.survive import request
from loadtests.errors import ServiceError
from tests.support.run_files import plan, result

NAMES = [(workload, model) for workload in CELLS["workloads"] for model in CELLS["models"]]


def test_predictions_come_before_a_workload_and_its_answer_after() -> None:
    out = io.StringIO()
    screen = LessonScreen(Console(file=out, width=400))
    screen.update({**plan(NAMES), "at": 0.0})
    shown = []
    for workload in CELLS["workloads"]:
        screen.update({"line": "workload-start", "workload": workload, "rows": [*CELLS["models"]]})
        shown.append(out.getvalue())
        for model in CELLS["models"]:
            screen.update({**result(workload, model, 50, 55), "at": 1.0})
    screen.update({"line": "workload-start", "workload": "sleep", "rows": ["inline"]})  # again
    first, second = shown
    assert "Predict: sleep only waits" in first
    assert "8 threads wait side by side, so expect up to 8 times as much; 2 processes" in first
    answer, _, prediction = second.removeprefix(first).partition("? Predict: primes")
    assert "• sleep → use " in answer
    assert "up to 2 times as much" in prediction
    assert out.getvalue().count("Predict: sleep") == 1


def test_a_lesson_is_a_run_of_six_cells() -> None:
    options, output = request(parser().parse_args(["survive", "--lesson", "--threads", "4"]))
    assert (options.cells, options.mode, output) == (NAMES, "quick", None)
    assert options.servers.axes == {"threads": "4"}


@pytest.mark.parametrize("words", ["--models inline", "--workloads rows", "--full", "--retry DIR"])
def test_its_cells_are_fixed(words: str) -> None:
    with pytest.raises(ServiceError, match=r"--lesson.*out") as raised:
        request(parser().parse_args(["survive", "--lesson", *words.split()]))
    assert words.partition(" ")[0] in str(raised.value)
