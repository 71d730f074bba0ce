"""A locustfile of the tests: survival runs with two services at once, and short trials."""

from __future__ import annotations

from loadtests.run.survival import workload
from tests.support.brief_rounds import LoadUser

__all__ = ["LoadUser"]

workload.ABREAST = 2
