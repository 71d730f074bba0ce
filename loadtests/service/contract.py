"""The HTTP contract of the service under test, as a client sees it: discovery and paths."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, urlencode, urlsplit
from urllib.request import ProxyHandler, build_opener

from loadtests.errors import ServiceError
from loadtests.foreign import line, read_json
from loadtests.system.program import script
from loadtests.wording import unknown

LOOK_S = 5.0
_NEEDS_PYTHON = re.compile(r"needs Python ≥ (?P<version>[\d.]+\d)")
_PARTS = ("models", "workloads", "runtime")
_DIRECT = build_opener(ProxyHandler({}))  # without a proxy, as the load is sent


@dataclass(frozen=True, slots=True)
class Discovery:
    """How a service describes itself at `GET /`."""

    models: Mapping[str, Mapping[str, Any]]
    workloads: Mapping[str, Mapping[str, Any]]
    runtime: Mapping[str, Any]
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # empty if unknown

    @property
    def warnings(self) -> list[str]:
        """Those of the service about itself."""
        return list(self.runtime.get("warnings") or ())

    def unavailable(self, workload: str, model: str) -> str | None:
        """Say why a cell cannot run there, or None.

        Raises ServiceError for a workload or a model that the service does not know.
        """
        known = _known("workload", workload, self.workloads)
        why = _known("model", model, self.models).get("why")
        if why or model in known["models"]:
            return why
        return str(known.get("impossible", {}).get(model, "the service does not offer it"))

    def cannot_run(self, model: str) -> str | None:
        """Say why no workload can run under a model there, and what would help, or None."""
        why = str(_known("model", model, self.models).get("why") or "")
        if not (newer := _NEEDS_PYTHON.search(why)):
            return why or None
        python = newer["version"]
        return f"{why}: run {script('python')} {python}, then add --server-python {python}"

    def check_workload(self, name: str) -> None:
        """Raise ServiceError for a workload that the service does not know."""
        _known("workload", name, self.workloads)

    def check(
        self,
        cells: Sequence[tuple[str, ...]],
        parameters: Mapping[str, Mapping[str, str]],
    ) -> None:
        """Raise ServiceError for no cells, and for names that the service does not know."""
        if not cells:
            raise ServiceError("choose at least one workload and one model")
        for workload, model, *_ in cells:
            self.unavailable(workload, model)
        for workload, values in parameters.items():
            parameters_there = _known("workload", workload, self.workloads)["parameters"]
            for name in values:
                _known("parameter", name, parameters_there, of=f" of {workload}")


def discover(url: str) -> Discovery:
    """Ask a service what it offers. Raises ServiceError if the answer is not as expected."""
    check_address(url)
    try:
        with _DIRECT.open(url, timeout=LOOK_S) as reply:
            content = read_json(reply.read())
        models, workloads, runtime = (dict[str, Any](content[part].items()) for part in _PARTS)
        return Discovery(models, workloads, runtime, dict(content.get("options") or {}))
    except HTTPError as error:
        raise ServiceError(f"{url} answers {error.code} to GET /: {_reason(error)}") from None
    except (URLError, HTTPException, OSError) as error:
        reason = getattr(error, "reason", error)
        raise ServiceError(
            f"nothing answers at {url} ({reason}); start a service there "
            "(.venv/bin/python -m server), or leave --host out to have one started"
        ) from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise ServiceError(f"{url} gives an unexpected answer to GET /: {_CONTRACT}") from None


def _reason(error: HTTPError) -> str:
    """Quote the service where it gives a reason, e.g. why it refuses this host name."""
    with error, suppress(ValueError, LookupError, TypeError, HTTPException, OSError):
        reason = json.load(error)["error"]
        return line(f"{reason['message']}. {reason['hint']}")
    return _CONTRACT


_CONTRACT = "a loadbearing service lists its models, workloads and runtime there"


def check_address(url: str) -> None:
    """Raise ServiceError for what cannot be the address of a service."""
    if not _is_address(url):
        raise ServiceError(
            f"{url!r} is not the address of a service: expected e.g. http://127.0.0.1:8080"
        )


def _is_address(url: str) -> bool:
    """Whether it is `http://HOST:PORT`: load is sent without TLS, to paths below the root."""
    parts = parts_of(url)
    if parts is None:
        return False
    more = parts.username is not None or parts.path not in {"", "/"} or parts.query
    return parts.scheme == "http" and not more and not parts.fragment


def parts_of(url: str) -> SplitResult | None:
    """Split a URL; None if it has no host, or one or a port that cannot be."""
    try:
        parts = urlsplit(url)
        host = parts.hostname if parts.port != 0 and not re.search(r"\s", url) else None
        (host or "").encode("idna")
    except ValueError:  # a port out of range, half an IPv6 address, a name with an empty part
        return None
    return parts if host else None


def path_of(workload: str, model: str, parameters: Mapping[str, str] | None = None) -> str:
    """Return path and query of one cell."""
    query = f"?{urlencode(parameters)}" if parameters else ""
    return f"/{workload}/{model}{query}"


def _known(
    what: str, name: str, known: Mapping[str, Mapping[str, Any]], of: str = ""
) -> Mapping[str, Any]:
    if name in known:
        return known[name]
    if not known:
        raise ServiceError(f"unknown {what} {name!r}{of}; it takes none")
    raise ServiceError(unknown(f"{what} {{}}{of}", name, known))
