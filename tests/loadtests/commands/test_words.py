"""A wrong word on a command line is told in one line, with what may have been meant."""

import re

import pytest

from loadtests.__main__ import main


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "required: COMMAND"),
        ("surviv", "there is no 'surviv'; did you mean 'survive'?"),
        ("xyz", "there is no 'xyz'; there are survive, surge, up, report, compare"),
        ("survive --quick --full", "not allowed with argument"),
        ("survive --workload x", "there is no option '--workload'; did you mean '--workloads'?"),
        ("survive --xyzzy", "there is no option '--xyzzy'"),
        (
            "survive --models inline async",
            "unexpected argument 'async' (separate list items with commas",
        ),
        ("survive --models ,", "',' names nothing"),
        ("survive --slo nonsense", "'nonsense' is not an SLO"),
        ("survive --param sleep", "invalid parameter 'sleep': expected e.g. primes.below=5000"),
        ("survive --beyond sok=1s", "no trial 'sok' beyond the peak; did you mean 'soak'?"),
        ("survive --at-least -1", "invalid rate '-1': expected requests per second, e.g. 250"),
        ("surge --seed x", "invalid seed 'x': expected 0 to"),
        ("up --web 1", "there is no option '--web'; did you mean '--web-port'?"),
        ("up --web-port 65536", "invalid port '65536': expected 1 to 65535"),
        ("compare a b --format markdwn", "there is no 'markdwn'; did you mean 'markdown'?"),
    ],
)
def test_a_wrong_word_is_told_in_a_line_without_a_page_of_usage(
    words: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words.split())
    said, help_line = capsys.readouterr().err.splitlines()
    assert ": error: " in said
    assert message in said
    assert re.fullmatch("For all options: python -m loadtests ?[a-z]* --help", help_line)
