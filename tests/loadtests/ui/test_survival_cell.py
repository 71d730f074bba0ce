"""The bracket of a search, as a person who watches it sees it."""

from loadtests.run.file.lines import trial_of
from loadtests.ui.survival.cell import bracket_of, bracket_text
from tests.support.run_files import trial


def test_a_bracket_is_between_what_held_and_what_mostly_broke() -> None:
    def tried(*trials: tuple[float, bool]) -> str:
        lines = [trial("primes", "hybrid", rate, held=held) for rate, held in trials]
        return bracket_text(bracket_of(map(trial_of, lines)))

    assert tried() == "…"
    assert tried((50, True)) == "≥ 50 …"
    assert tried((50, False)) == "… < 50"
    assert tried((50, True), (80, False), (60, True), (60, False)) == "60 … 80"
    assert tried((50, True), (40, False)) == "… < 40"  # a rate above what broke counts no more
