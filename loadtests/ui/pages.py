"""The look of our tabs: that of all our pages, on the paper of Locust's; and what they share."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from loadtests.report import pages

PAGE = Path(__file__).parent / "page"
STYLES = ((pages.PAGE, "style.css"), (PAGE, "tabs.css"))


def fill(template: str, title: str, root: str = "", **values: str) -> str:
    """Fill in a page of `page/`, and escape what it is given; `root` leads from it to our files."""
    return _environment().get_template(template).render(title=title, root=root, **values)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(PAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )


@cache
def stylesheet() -> str:
    """Join the colours of the models, the style of every page, and what is the tabs' own."""
    styles = [(folder / name).read_text(encoding="utf-8") for folder, name in STYLES]
    return "\n".join((pages.palette(), *styles))
