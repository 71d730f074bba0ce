"""Rows that differ in size are compared in a sentence and in a curve, whoever chose the sizes."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from loadtests.cell import Variation, phrase
from loadtests.report.charts import curves
from loadtests.report.charts.points import styles
from loadtests.report.sizes import curves as curves_of
from loadtests.report.sizes import law, law_text
from loadtests.report.summary import Summary, summarize
from loadtests.report.survival.json import as_json
from loadtests.report.wording import under
from loadtests.run.file.fold import read
from tests.support.run_files import plan, result, standings, write

THREADS = {4: (75.0, 80.0), 16: (300.0, 320.0), 64: (1150.0, 1200.0), 256: (1160.0, 1230.0)}
PLANNED = (4, 16, 64)


def summary_of(folder: Path, capacities: Mapping[int, tuple[float, float | None]]) -> Summary:
    """Return a run that planned three sizes, and searched the others."""
    lines = [
        result("sleep", "thread-pool", low, high, variant=phrase("threads", str(size)),
               pss_mib=70 + size / 8)
        for size, (low, high) in capacities.items()
    ]  # fmt: skip
    variations = [Variation({"threads": str(size)}) for size in capacities]
    known = {row.label: {"options": dict(row.options), "python": ""} for row in variations}
    cells = [
        {"workload": "sleep", "model": "thread-pool", "variant": phrase("threads", str(size))}
        for size in PLANNED
    ]
    varied = {label: known[label] for label in [*known][:3]}
    first = {**plan([]), "cells": cells, "variations": varied}
    later = [{"line": "variation", "at": 1.0, **known[label]} for label in [*known][3:]]
    return summarize(
        read(write(folder / "run.jsonl", [first, *later, *standings(lines), *reversed(lines)]))
    )


def test_a_sentence_says_which_size_is_enough(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, THREADS)
    [verdict] = summary.verdicts
    assert verdict.variants == (
        "`sleep`: thread-pool: 64 threads are enough (1150–1200 req/s); 16 lose 74 %; 256 gain "
        "nothing and take 24 MiB more.",
    )
    rows = [cell["row"] for cell in as_json(summary)["cells"]]
    assert rows == [f"thread-pool · {size} threads" for size in THREADS]
    data = json.loads(json.dumps(as_json(summary)))
    assert [cell["options"]["threads"] for cell in data["cells"]] == ["4", "16", "64", "256"]


@pytest.mark.parametrize(
    ("capacities", "sentence"),
    [
        (
            {1: (80.0, 84.0), 4: (70.0, 74.0), 16: (60.0, 64.0)},
            "1 thread is enough (80–84 req/s); 4 lose 12 %.",
        ),
        (
            {4: (75.0, 80.0), 16: (300.0, 320.0), 64: (1150.0, 1200.0)},
            "64 threads are the most that was measured (1150–1200 req/s); 16 lose 74 %.",
        ),
        (
            {4: (75.0, 80.0), 16: (300.0, 320.0), 64: (900.0, None)},
            "64 threads still pass at 900 req/s, the most that the generator offers; 16 lose 66 %.",
        ),
    ],
)
def test_where_there_is_no_larger_one_to_compare(
    capacities: Mapping[int, tuple[float, float | None]], sentence: str, tmp_path: Path
) -> None:
    [verdict] = summary_of(tmp_path, capacities).verdicts
    assert verdict.variants == (f"`sleep`: thread-pool: {sentence}",)


def test_the_curve_has_a_law_and_words(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, THREADS)
    series = curves_of(summary.cells, summary.variations)
    picture = curves.chart(series, styles(summary.cells))
    assert picture is not None
    assert picture.count("<polyline") > len(THREADS)
    assert curves.described(series) == (
        "thread-pool, req/s by threads: 4: 77, 16: 310, 64: 1170, 256: 1190."
    )
    fitted = law(series[0])
    assert fitted is not None
    assert "a peak at" in law_text(fitted)
    assert curves.chart([], {}) is None


def test_options_and_pythons_are_named_as_people_say() -> None:
    named = Variation({"workers": "1", "admission": "lifo", "processes": "1"}, "3.13t")
    assert named.label == "1 worker · admission lifo · 1 process · 3.13t"
    assert under(named.label) == "with 1 worker, admission lifo and 1 process on 3.13t"
    assert under("") == "without"
