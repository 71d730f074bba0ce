"""Work with an I/O part and a CPU part, which no single pool suits."""

from html.parser import HTMLParser

from server.workloads import native, workload
from server.workloads.web import Delay, Pages, download, download_natively, website


class _PageCounter(HTMLParser):
    """Counts links and words while it parses."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.words = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links.extend(value for name, value in attrs if name == "href" and value)

    def handle_data(self, data: str) -> None:
        self.words += len(data.split())


def parse(bodies: list[bytes]) -> dict[str, int]:
    """Count links, distinct links and words of HTML pages in plain Python, holding the GIL."""
    links: list[str] = []
    words = 0
    for body in bodies:
        counter = _PageCounter()
        counter.feed(body.decode())
        counter.close()
        links += counter.links
        words += counter.words
    return {"links": len(links), "distinct": len(set(links)), "words": words}


@workload(kind="mixed", stages=(("io", download), ("cpu", parse)), needs=(website,))
def scrape(pages: Pages = 2, delay: Delay = 5) -> dict[str, int]:
    """Download pages from the local site, then parse them and count their links and words."""
    return parse(download(pages, delay))


@native(scrape)
async def scrape_natively(pages: Pages = 2, delay: Delay = 5) -> dict[str, int]:
    """Await the pages, and parse them on the event loop: what most people write."""
    return parse(await download_natively(pages, delay))
