"""What cannot run is refused before anything is measured, if the user named it."""

from pathlib import Path

import pytest

from loadtests.cell import Cell
from loadtests.errors import ServiceError
from loadtests.run.options import HEADLINE_MODELS, Options
from loadtests.run.survival.plan import check_possible
from loadtests.service.contract import Discovery
from loadtests.service.launcher import Launcher
from loadtests.service.options import ServerOptions

TOO_OLD = "it needs Python ≥ 3.14, and this is 3.11.7"
NO_VERSION = "it has no async version"
HERE = {"models": ["inline"], "impossible": {"async": NO_VERSION}}
NAMES = {name: {"why": None} for name in HEADLINE_MODELS}
OLD = Discovery(NAMES | {"interpreter-pool": {"why": TOO_OLD}}, {"primes": HERE}, {})
NEW = Discovery(NAMES, {"primes": {**HERE, "models": ["inline", "interpreter-pool"]}}, {})


def check(models: tuple[str, ...], **offered: Discovery) -> None:
    """Check cells on Pythons that offer this."""
    services = Launcher(ServerOptions(), "http://127.0.0.1:1", Path("log"))
    offers = {
        Cell("primes", model, python): offer
        for python, offer in offered.items()
        for model in models
    }
    check_possible(Options.choose(models=models), offers, services)


@pytest.mark.parametrize(
    ("models", "refusal"),
    [
        (
            ("inline", "interpreter-pool"),
            "interpreter-pool needs Python ≥ 3.14, and this is 3.11.7: run scripts/python 3.14, "
            "then add --server-python 3.14",
        ),
        (("async",), f"primes cannot run under async: {NO_VERSION}"),
    ],
)
def test_what_can_run_nowhere_is_refused(models: tuple[str, ...], refusal: str) -> None:
    with pytest.raises(ServiceError) as raised:
        check(models, old=OLD)
    assert str(raised.value) == refusal


def test_what_is_absent_by_default_or_in_part_is_not() -> None:
    check(HEADLINE_MODELS, old=OLD)
    check(("inline", "async"), old=OLD)
    check(("interpreter-pool",), old=OLD, new=NEW)
