"""What discovery says of options is true: their bounds, and the models that they affect."""

import resource
from typing import Any

import pytest

from server.admission.policies import BURST
from server.models.selection import build, load
from server.settings import GROUPS, VARIABLE, Settings, flag
from server.tables import MODELS
from server.web.discovery import caveats, options, runtime
from tests.support.server_process import Client

OPTIONS = options()
NOT_VARIED = {*GROUPS["address"], *GROUPS["what runs"]}  # where the server is and what it has


async def test_every_option_that_can_be_varied_is_published(client: Client) -> None:
    published = (await client.ask("/")).json["options"]
    assert published.keys() == Settings.model_fields.keys() - NOT_VARIED
    for option in published.values():
        assert list(option) == [
            *("doc", "type", "default", "minimum", "maximum", "choices", "models"),
        ]
    assert published["threads"] == {
        "doc": Settings.model_fields["threads"].description,
        "type": "integer",
        "default": 16,
        "minimum": 1,
        "maximum": 1000,
        "choices": None,
        "models": published["threads"]["models"],
    }


@pytest.mark.parametrize("name", OPTIONS)
def test_the_server_accepts_what_is_published_and_no_more(name: str) -> None:
    option = OPTIONS[name]
    step = 1 if option.type == "integer" else 1e-7
    good = [option.default, option.minimum, option.maximum, *(option.choices or ())]
    bad: list[object] = ["no such choice"] if option.choices else []
    bad += [option.minimum - step] if option.minimum is not None else []
    bad += [option.maximum + step] if option.maximum is not None else []
    assert bad or name in {"dask", "queue"}
    for value in good:
        if value is not None:
            assert getattr(Settings.parse([f"{flag(name)}={written(value)}"]), name) == value
    for value in bad:
        with pytest.raises(SystemExit):
            Settings.parse([f"{flag(name)}={written(value)}"])


def written(value: object) -> str:
    return f"{value:.7f}" if isinstance(value, float) else str(value)


class Watched(Settings):
    """Options that note which of them are read."""

    def __getattribute__(self, name: str) -> Any:
        if name in VARIABLE:
            READ.add(name)
        return super().__getattribute__(name)


READ: set[str] = set()
# What belongs to the whole server, and affects every model; no model reads it.
OF_ALL = {"loop", "loops", "workers"}


async def read_by(name: str) -> set[str]:
    """The options that a model reads when it is made, with what it is made of, and started."""
    settings = Watched(processes=1, threads=1)
    READ.clear()
    for part in build([name], settings).values():
        if load(name).by_default and load(name).missing(Settings()) is None:
            await part.start()
            await part.stop()
    return set(READ)


async def test_options_name_the_models_that_they_affect() -> None:
    read = {name: await read_by(name) for name in MODELS}
    in_threads = [name for name in MODELS if "threads" in read[name]]
    for option, published in OPTIONS.items():
        if option in OF_ALL:
            assert published.models is None
            assert not any(option in options for options in read.values())
        elif option == "switch_interval":  # a GIL is handed over only where threads compute
            assert published.models == in_threads
        else:
            assert published.models == [name for name in MODELS if option in read[name]], option


@pytest.mark.parametrize(
    ("admission", "within_s"),
    [
        ("unbounded", None),
        ("bounded", None),
        *((name, BURST * 0.2) for name in ("deadline", "lifo", "adaptive")),
    ],
)
def test_the_time_of_an_admitted_request_is_published(
    admission: str, within_s: float | None
) -> None:
    described = runtime(Settings(admission=admission, target=0.2))
    assert described.answered_within_s == pytest.approx(within_s)


def test_few_file_descriptors_are_a_caveat() -> None:
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (500, usual[1]))
    try:
        warnings = list(caveats(Settings()))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)
    assert [line for line in warnings if line.startswith("ulimit -n 500 leaves fewer")]
