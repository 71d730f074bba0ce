"""Workloads do the work that they claim, in each of their forms."""

import asyncio
import hashlib
import os
import pickle
import re
import tempfile
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import get_type_hints

import annotated_types
import pytest

from server.worker.serving import serving
from server.workloads import Payload, cpu, io, mixed, postgres, web
from server.workloads.registry import REGISTRY

OURS = [
    entry for entry in REGISTRY.values() if entry.function.__module__.startswith("server.workloads")
]


@pytest.fixture(scope="module")
def _standing() -> Iterator[None]:
    """Run one site and database for all tests: starting them takes longer than most of them."""
    with asyncio.Runner() as runner:
        needs = [web.website(), postgres.database()]
        for need in needs:
            runner.run(need.__aenter__())
        yield
        for need in needs:
            runner.run(need.__aexit__(None, None, None))


@pytest.fixture
async def _site(_standing: None) -> AsyncIterator[None]:
    async with web.website():
        yield


@pytest.mark.parametrize(("below", "count"), [(0, 0), (2, 0), (3, 1), (100, 25), (1000, 168)])
def test_primes(below: int, count: int) -> None:
    assert cpu.primes(below) == {"count": count}


def test_count() -> None:
    assert cpu.count(1000) == {"counted": 1000}


def test_montecarlo_approaches_pi_and_repeats_with_its_seed() -> None:
    first = cpu.montecarlo(50_000, seed=3)
    assert first["pi"] == pytest.approx(3.1416, abs=0.05)
    assert cpu.montecarlo(50_000, seed=3) == first
    assert cpu.montecarlo(50_000, seed=4) != first


@pytest.mark.parametrize("kib", [1, 64, 1024, 2049])
def test_sha256_hashes_as_much_as_it_says(kib: int) -> None:
    data = (cpu.TEXT * 3)[: kib * 1024]
    assert len(data) == kib * 1024
    assert cpu.sha256(kib) == {"digest": hashlib.sha256(data).hexdigest()[:16]}


@pytest.mark.parametrize("kib", [1, 64, 1025])
def test_compress_packs_real_text(kib: int) -> None:
    data = (cpu.TEXT * 2)[: kib * 1024]
    result = cpu.compress(kib)
    packed = zlib.compress(data)
    assert zlib.decompress(packed) == data
    assert result["bytes"] == len(data)
    assert result["compressed"] == pytest.approx(len(packed), rel=0.01)
    assert 0.2 < result["compressed"] / result["bytes"] < 0.7


def test_text_is_as_hard_to_compress_as_if_it_did_not_repeat() -> None:
    once = len(zlib.compress(cpu.TEXT[: 64 * 1024]))
    # If zlib saw the repetition, sixteen blocks would take little more space than one.
    assert len(zlib.compress(cpu.TEXT)) > 14 * once


def test_echo_returns_what_it_gets() -> None:
    payload = Payload(os.urandom(1024))
    assert cpu.echo(payload) == payload
    assert len(cpu.echo()) == 64 * 1024
    carried = pickle.loads(pickle.dumps(payload))
    assert isinstance(carried, Payload)
    assert carried == payload


def test_file_reads_back_what_it_wrote_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert io.file(65) == {"bytes": 65 * 1024, "intact": True}
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(FileNotFoundError):
        io.file(1)


@pytest.mark.usefixtures("_site")
async def test_scrape_counts_what_is_in_the_pages() -> None:
    bodies = await asyncio.to_thread(web.download, 2, 0)
    links = re.findall(rb'href="([^"]*)"', b"".join(bodies))
    words = b" ".join(re.sub(rb"<[^>]*>", b" ", body) for body in bodies).split()
    result = await asyncio.to_thread(mixed.scrape, 2, 0)
    assert result["links"] == len(links) > 100
    assert result["distinct"] == len(set(links)) < len(links)
    assert result["words"] == len(words)


@pytest.mark.usefixtures("_site", "database")
@pytest.mark.parametrize("name", sorted(entry.name for entry in OURS))
async def test_stages_and_twin_give_the_result_of_the_function(name: str) -> None:
    entry = REGISTRY[name]
    expected = await asyncio.to_thread(entry.function)
    first, *later = (stage for _, stage in entry.stages)
    result = await asyncio.to_thread(first, **_defaults(name))
    for stage in later:
        result = stage(result)
    assert result == expected
    if entry.native is not None:
        async with serving():
            assert await entry.native() == expected
            assert await entry.native(**_defaults(name)) == expected


def _defaults(name: str) -> dict[str, object]:
    function = REGISTRY[name].function
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    return dict(zip(names, function.__defaults__ or (), strict=True))


def test_the_expected_workloads_have_twins() -> None:
    twins = {entry.name for entry in OURS if entry.native}
    assert twins == {"sleep", "fetch", "scrape", "echo", "noop", "postgres"}


@pytest.mark.parametrize("name", sorted(entry.name for entry in OURS))
def test_every_parameter_has_a_description_and_bounds(name: str) -> None:
    entry = REGISTRY[name]
    assert entry.doc.endswith(".")
    parameters = {
        parameter: note
        for parameter, note in get_type_hints(entry.function, include_extras=True).items()
        if parameter != "return"
    }
    assert set(parameters) == set(_defaults(name))
    for parameter, note in parameters.items():
        kinds = {type(item): item for item in note.__metadata__}
        assert annotated_types.DocInfo in kinds
        interval = kinds[annotated_types.Interval]
        default = _defaults(name)[parameter]
        size = len(default) // 1024 if isinstance(default, Payload) else default
        assert interval.ge <= size <= interval.le
