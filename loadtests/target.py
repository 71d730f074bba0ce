"""The HTTP contract of the service under test, as a client sees it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

LOOK_S = 5.0


class TargetError(Exception):
    """The service cannot be used as asked; the message says why and what to do next."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a service says of itself at `GET /`."""

    models: Mapping[str, Mapping[str, Any]]
    workloads: Mapping[str, Mapping[str, Any]]
    runtime: Mapping[str, Any]

    def unavailable(self, workload: str, model: str) -> str | None:
        """Say why a cell cannot run there, or None.

        Raises TargetError for a workload or a model that the service does not know.
        """
        known = _known("workload", workload, self.workloads)
        why = _known("model", model, self.models).get("why")
        if why or model in known["models"]:
            return why
        return str(known.get("impossible", {}).get(model, "the service does not offer it"))

    def check(
        self,
        cells: Iterable[tuple[str, str]],
        parameters: Mapping[str, Mapping[str, str]],
    ) -> None:
        """Raise TargetError for workloads, models or parameters that the service does not know."""
        for workload, model in cells:
            self.unavailable(workload, model)
        for workload, values in parameters.items():
            there = _known("workload", workload, self.workloads)["parameters"]
            for name in values:
                _known(f"parameter of {workload}", name, there)


def discover(url: str) -> Discovery:
    """Ask a service what it offers. Raises TargetError when it does not answer the contract."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise TargetError(f"{url!r} is no address of a service; write http://127.0.0.1:8080")
    try:
        with urlopen(url, timeout=LOOK_S) as answer:  # noqa: S310 - the scheme is checked above
            found = json.load(answer)
        return Discovery(found["models"], found["workloads"], found["runtime"])
    except HTTPError as error:
        raise TargetError(f"{url} answers {error.code} to GET /: {_CONTRACT}") from None
    except (URLError, HTTPException, OSError) as error:
        reason = getattr(error, "reason", error)
        raise TargetError(
            f"nothing answers at {url} ({reason}); start a service there "
            "(python -m server), or leave --host out to have one started"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise TargetError(f"{url} answers something else at GET /: {_CONTRACT}") from None


_CONTRACT = "it is no loadbearing service, which lists its models, workloads and runtime there"


def path_of(workload: str, model: str, parameters: Mapping[str, str] | None = None) -> str:
    """Path and query of one cell."""
    query = f"?{urlencode(parameters)}" if parameters else ""
    return f"/{workload}/{model}{query}"


def _known(what: str, name: str, all_of: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    if name in all_of:
        return all_of[name]
    close = get_close_matches(name, all_of, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(all_of)}"
    raise TargetError(f"there is no {what} {name!r}; {hint}")
