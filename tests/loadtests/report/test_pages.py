"""Pages are self-contained and escaped, with readable colours on either paper."""

import pytest

from loadtests.report.colours import COLOURS, DARK, LIGHT, READABLE, contrast, rgb, shades_of
from loadtests.report.pages import coded, render


@pytest.mark.parametrize("model", [*COLOURS, "one of your own"])
def test_a_models_name_can_be_read_on_light_and_on_dark_paper(model: str) -> None:
    on_light, on_dark = shades_of(model)
    assert contrast(rgb(on_light), LIGHT) >= READABLE
    assert contrast(rgb(on_dark), DARK) >= READABLE


def test_each_model_has_a_colour_of_its_own() -> None:
    assert len(set(COLOURS.values())) == len(COLOURS) == 10


def test_contrast_is_that_of_wcag() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


def test_a_page_carries_its_style_and_asks_for_nothing() -> None:
    page = render("base.html")
    assert "--model-inline: #D55E00" in page
    assert "--paper: light-dark(" in page
    assert "://" not in page
    assert "script-src &#39;sha256-" in page
    assert "@import" not in page


def test_what_stands_between_backticks_is_code_and_all_of_it_is_escaped() -> None:
    assert coded("`a<b` & c") == "<code>a&lt;b</code> &amp; c"
