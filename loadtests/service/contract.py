"""The HTTP contract of the service under test, as a client sees it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import ProxyHandler, build_opener

from loadtests.errors import ServiceError
from loadtests.wording import unknown

LOOK_S = 5.0
_PARTS = ("models", "workloads", "runtime")
_DIRECT = build_opener(ProxyHandler({}))  # past any proxy, as the load goes


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a service says of itself at `GET /`."""

    models: Mapping[str, Mapping[str, Any]]
    workloads: Mapping[str, Mapping[str, Any]]
    runtime: Mapping[str, Any]

    def unavailable(self, workload: str, model: str) -> str | None:
        """Say why a cell cannot run there, or None.

        Raises ServiceError for a workload or a model that the service does not know.
        """
        known = _known("workload", workload, self.workloads)
        why = _known("model", model, self.models).get("why")
        if why or model in known["models"]:
            return why
        return str(known.get("impossible", {}).get(model, "the service does not offer it"))

    def check_workload(self, name: str) -> None:
        """Raise ServiceError for a workload that the service does not know."""
        _known("workload", name, self.workloads)

    def check(
        self,
        cells: Iterable[tuple[str, ...]],
        parameters: Mapping[str, Mapping[str, str]],
    ) -> None:
        """Raise ServiceError for workloads, models or parameters that the service does not know."""
        for workload, model, *_ in cells:
            self.unavailable(workload, model)
        for workload, values in parameters.items():
            there = _known("workload", workload, self.workloads)["parameters"]
            for name in values:
                _known("parameter", name, there, of=f" of {workload}")


def discover(url: str) -> Discovery:
    """Ask a service what it offers. Raises ServiceError when it does not answer the contract."""
    if not _is_address(url):
        raise ServiceError(f"{url!r} is no address of a service; write http://127.0.0.1:8080")
    try:
        with _DIRECT.open(url, timeout=LOOK_S) as answer:
            found = json.load(answer)
        return Discovery(*(dict[str, Any](found[part].items()) for part in _PARTS))
    except HTTPError as error:
        raise ServiceError(f"{url} answers {error.code} to GET /: {_reason(error)}") from None
    except (URLError, HTTPException, OSError) as error:
        reason = getattr(error, "reason", error)
        raise ServiceError(
            f"nothing answers at {url} ({reason}); start a service there "
            "(python -m server), or leave --host out to have one started"
        ) from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise ServiceError(f"{url} answers something else at GET /: {_CONTRACT}") from None


def _reason(error: HTTPError) -> str:
    """Give the service's own words where it has some, e.g. why it refuses this host name."""
    with error, suppress(ValueError, LookupError, TypeError, HTTPException, OSError):
        found = json.load(error)["error"]
        return f"{found['message']}. {found['hint']}"
    return _CONTRACT


_CONTRACT = "it is no loadbearing service, which lists its models, workloads and runtime there"


def _is_address(url: str) -> bool:
    """Whether it is `http://HOST:PORT`: the load goes there without TLS, and to the root."""
    try:
        parts = urlsplit(url)
        host = parts.hostname if parts.port != 0 else None
    except ValueError:  # a port out of range, half an IPv6 address
        return False
    return parts.scheme == "http" and bool(host) and parts.path in {"", "/"} and not parts.query


def path_of(workload: str, model: str, parameters: Mapping[str, str] | None = None) -> str:
    """Path and query of one cell."""
    query = f"?{urlencode(parameters)}" if parameters else ""
    return f"/{workload}/{model}{query}"


def _known(
    what: str, name: str, all_of: Mapping[str, Mapping[str, Any]], of: str = ""
) -> Mapping[str, Any]:
    if name in all_of:
        return all_of[name]
    if not all_of:
        raise ServiceError(f"there is no {what} {name!r}{of}; it has none")
    raise ServiceError(unknown(f"{what} {{}}{of}", name, all_of))
