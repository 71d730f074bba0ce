"""What discovery says of options is true: their bounds, and the models that they affect."""

import resource

import pytest

from server.admission.policies import BURST
from server.models.selection import load
from server.settings import GROUPS, Settings, flag
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


def test_options_name_the_models_that_they_affect() -> None:
    for size in ("threads", "processes"):
        sized = [name for name in MODELS if load(name).sized_by == size]
        affected = OPTIONS[size].models or []
        assert set(sized) <= set(affected)
        # A model that is made of others has their sizes.
        assert ("hybrid" in affected) == bool(set(load("hybrid").needs) & set(sized))
    assert OPTIONS["loop"].models is None
    assert OPTIONS["dask"].models == ["dask"]
    assert OPTIONS["queue"].models == [name for name in MODELS if name != "inline"]


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
