"""One colour for each model and each admission policy, always shown beside its name.

The palette is that of Okabe and Ito ("Color Universal Design"), which stays distinguishable with
every kind of colour vision. Its darkest and brightest tones are moved towards the middle, so that
they can be read on black and on white.
"""

COLOURS = {
    "inline": "#D55E00",
    "async": "#009E73",
    "thread-per-request": "#56B4E9",
    "thread-pool": "#2F8FD0",
    "process-per-request": "#E69F00",
    "process-pool": "#CC79A7",
    "supervised-process-pool": "#A95AA1",
    "interpreter-pool": "#9A8F1F",
    "hybrid": "#8C7A6B",
    "dask": "#6C8EBF",
}
OTHER = "#8A8A8A"
POLICIES = {
    "unbounded": "#D55E00",
    "bounded": "#2F8FD0",
    "deadline": "#009E73",
    "lifo": "#CC79A7",
    "adaptive": "#9A8F1F",
}
# The stages of a request, on light paper and on dark paper. They use no model's colour: pale for
# the way there and back, dark for waiting in the server, two tones of their own for the work.
STAGES = {
    "lag": ("#c9cdd3", "#4a515b"),
    "outside": ("#a5d8d2", "#12575a"),
    "queued": ("#30353c", "#dfe3e8"),
    "dispatched": ("#555b64", "#a9b0b9"),
    "on_cpu": ("#c2185b", "#c2185b"),
    "off_cpu": ("#f3e26b", "#f3e26b"),
    "back": ("#e6c8ee", "#5d3a69"),
}
READABLE = 4.5  # the contrast that WCAG 2 asks of text (AA)
LIGHT, DARK = (253, 253, 254), (13, 17, 23)  # the background of our pages and pictures
STEPS = 50
Rgb = tuple[float, float, float]


def colour_of(name: str) -> str:
    """Return the colour of a model or a policy."""
    return COLOURS.get(name) or POLICIES.get(name, OTHER)


def shades_of(model: str) -> tuple[str, str]:
    """Return the shades in which a model's name is written on light and on dark paper."""
    return shades(colour_of(model))


def shades(colour: str) -> tuple[str, str]:
    """Darken a colour until it can be read on light paper, and lighten it for dark paper."""
    return _towards(colour, (0, 0, 0), LIGHT), _towards(colour, (255, 255, 255), DARK)


def contrast(first: Rgb, second: Rgb) -> float:
    """Return the contrast ratio of two colours, by WCAG 2: from 1 to 21."""
    bright, dim = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def rgb(colour: str) -> Rgb:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def _towards(colour: str, end: Rgb, paper: Rgb) -> str:
    begin = rgb(colour)
    for step in range(STEPS + 1):
        mixed = [round(a + (b - a) * step / STEPS) for a, b in zip(begin, end, strict=True)]
        if contrast((mixed[0], mixed[1], mixed[2]), paper) >= READABLE:
            break
    return "#" + bytes(mixed).hex()


def _luminance(colour: Rgb) -> float:
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
