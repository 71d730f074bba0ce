"""Work that keeps a core busy, with and without the GIL, and two workloads that do nothing.

The defaults take about 10 ms each on a recent core. The bounds allow about a second, or two on a
slow core, which is well within the deadline of a request.
"""

import hashlib
import math
import random
import zlib
from collections.abc import Iterator
from typing import Annotated

from annotated_types import Interval, Unit, doc

from server.workloads import Payload, native, workload

Hashed = Annotated[int, Interval(ge=1, le=524_288), Unit("KiB"), doc("How much data is hashed.")]
Packed = Annotated[int, Interval(ge=1, le=16_384), Unit("KiB"), doc("How much text is compressed.")]
Carried = Annotated[
    Payload,
    Interval(ge=0, le=65_536),
    Unit("KiB"),
    doc("Size of what is sent to the worker and back."),
]

_PAYLOAD = Payload.of(64)


def _text() -> bytes:
    """Make 1 MiB of words with the frequencies of a natural language.

    It repeats every 64 KiB. zlib looks back only 32 KiB, so the repetition makes the text cheap to
    create and no easier to compress.
    """
    rng = random.Random(1)  # noqa: S311 - prose, not secrets
    letters = "etaoinshrdlucmfwyp"
    words = ["".join(rng.choices(letters, k=2 + rank // 60)) for rank in range(600)]
    chosen = rng.choices(words, [1 / rank for rank in range(1, 601)], k=20_000)
    return " ".join(chosen).encode()[: 64 * 1024] * 16


# Made at import, so that preloaded and forked worker processes have it at no cost.
TEXT = _text()


def _pieces(kib: int) -> Iterator[memoryview]:
    """Yield `kib` KiB of the text in large pieces, because C code holds the GIL for small ones."""
    left, view = kib * 1024, memoryview(TEXT)
    while left > 0:
        piece = view[:left]
        left -= len(piece)
        yield piece


@workload(kind="cpu")
def count(
    to: Annotated[int, Interval(ge=1, le=20_000_000), doc("Where the counting ends.")] = 500_000,
) -> dict[str, int]:
    """Count up in a plain Python loop, which holds the GIL."""
    counted = 0
    while counted < to:
        counted += 1
    return {"counted": counted}


@workload(kind="cpu")
def primes(
    below: Annotated[int, Interval(ge=0, le=400_000), doc("The first number not tested.")] = (
        20_000
    ),
) -> dict[str, int]:
    """Count primes by trial division in plain Python, which holds the GIL."""
    primes_found = 0
    for number in range(2, below):
        for divisor in range(2, math.isqrt(number) + 1):
            if number % divisor == 0:
                break
        else:
            primes_found += 1
    return {"count": primes_found}


@workload(kind="cpu")
def montecarlo(
    samples: Annotated[
        int, Interval(ge=1, le=8_000_000), Unit("points"), doc("Random points drawn.")
    ] = 100_000,
    seed: Annotated[int, Interval(ge=0, le=2**32 - 1), doc("The same seed, the same points.")] = 1,
) -> dict[str, float]:
    """Estimate pi from random points in plain Python, which holds the GIL."""
    draw = random.Random(seed).random  # noqa: S311 - a simulation, not secrets
    inside = 0
    for _ in range(samples):
        x, y = draw(), draw()
        if x * x + y * y <= 1.0:
            inside += 1
    return {"pi": 4 * inside / samples}


@workload(kind="cpu")
def sha256(kib: Hashed = 16_384) -> dict[str, str]:
    """Hash `kib` KiB in C, which releases the GIL."""
    digest = hashlib.sha256()
    for piece in _pieces(kib):
        digest.update(piece)
    return {"digest": digest.hexdigest()[:16]}


@workload(kind="cpu")
def compress(kib: Packed = 160) -> dict[str, int]:
    """Compress `kib` KiB of text in C, which releases the GIL."""
    packer = zlib.compressobj()
    packed = sum(len(packer.compress(piece)) for piece in _pieces(kib)) + len(packer.flush())
    return {"bytes": kib * 1024, "compressed": packed}


@workload(kind="payload")
def echo(kib: Carried = _PAYLOAD) -> bytes:
    """Return `kib` KiB unchanged: what sending data to a worker and back costs."""
    return kib


@native(echo)
async def echo_natively(kib: Carried = _PAYLOAD) -> bytes:
    return kib


@workload(kind="none")
def noop() -> None:
    """Do nothing: what the hop to a worker and back costs."""


@native(noop)
async def noop_natively() -> None:
    pass
