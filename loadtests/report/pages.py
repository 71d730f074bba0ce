"""HTML pages: one self-contained file each, which needs no network."""

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from loadtests.report.colours import COLOURS, colour_of, shades_of

PAGE = Path(__file__).parent / "page"


def render(template: str, **values: object) -> str:
    """Fill in a template of `page/`. Values are escaped; a missing one is an error."""
    return _environment().get_template(template).render(palette=palette(), **values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(PAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"code": coded, "colour": colour_of, "policy": policy}
    return environment


def coded(sentence: str) -> Markup:
    """Escape a sentence, mark up as code what stands between backticks, and keep options whole."""
    text = re.sub("`([^`]*)`", r"<code>\1</code>", str(escape(sentence)))
    text = re.sub(r"(?<![\w-])(--[a-z][a-z-]*)", r'<span class="option">\1</span>', text)
    return Markup(text)  # noqa: S704 - escaped


def policy(script: str) -> str:
    """Allow a page its one script, by its hash, and nothing from elsewhere."""
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


@cache
def palette() -> Markup:
    """Return the CSS variables of the models: colour, and shades to write with on either paper."""
    lines = []
    for model, colour in COLOURS.items():
        light, dark = shades_of(model)
        lines.append(f"--model-{model}: {colour}; --text-{model}: light-dark({light}, {dark});")
    return Markup(":root {\n  " + "\n  ".join(lines) + "\n}")  # noqa: S704 - our own colours
