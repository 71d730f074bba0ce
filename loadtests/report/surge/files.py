"""The files that a finished surge adds to its run file, and what a terminal shows of it."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from loadtests.report.surge.markdown import markdown
from loadtests.report.surge.table import as_json
from loadtests.report.surge.terminal import final
from loadtests.report.survival.terminal import REPORT
from loadtests.run.surge.lines import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rich.console import RenderableType

    from loadtests.report.gallery import Gallery


class Surged:
    """The report of the surge in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.surge = read(folder)

    def texts(self) -> dict[str, str]:
        """Return the files for other programs, and for people without a browser."""
        text = json.dumps(as_json(self.surge), indent=2, ensure_ascii=False)
        return {"summary.json": text + "\n", "summary.md": markdown(self.surge)}

    def shown(self) -> RenderableType:
        return final(self.surge, self._folder)

    def pictures(self, gallery: Gallery) -> Iterator[tuple[str, Callable[[], str]]]:
        """Yield the name of each picture and what draws it; the page with all of them is last."""
        from loadtests.report.surge.charts import svg  # noqa: PLC0415 - Altair takes half a second
        from loadtests.report.surge.html import html  # noqa: PLC0415 - likewise

        if self.surge.measured:
            yield "surge.svg", partial(svg, self.surge, gallery.converter)
        yield REPORT, partial(html, self.surge, gallery)
