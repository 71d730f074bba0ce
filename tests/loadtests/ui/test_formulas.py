"""What a spreadsheet would run is written as text."""

import csv
from io import StringIO

import pytest

from loadtests.ui.formulas import without_formulas


@pytest.mark.parametrize("text", ["=1+1", "+A1", "-cmd|'/C calc'!A0", "@SUM(A1)", "\t=1", " =1"])
def test_a_formula_gets_an_apostrophe(text: str) -> None:
    table = StringIO()
    csv.writer(table).writerows([["Error", "Occurrences"], [text, "3"], [f"a\n{text}", "-1.5e-3"]])
    rows = list(csv.reader(StringIO(without_formulas(table.getvalue()), newline="")))
    assert rows == [["Error", "Occurrences"], [f"'{text}", "3"], [f"a\n{text}", "-1.5e-3"]]
