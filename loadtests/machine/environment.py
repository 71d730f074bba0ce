"""The fingerprint of machine and runtime, without which a measured rate means nothing."""

from __future__ import annotations

import platform
import shutil
import sys
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from loadtests.cell import phrase
from loadtests.machine.platform import cores, usable_cores
from loadtests.paths import ROOT
from loadtests.system.child import output
from loadtests.wording import listing

PROJECT = "loadbearing"
ASK_S = 5.0  # for git and sysctl
BYTES_PER_GIB = 2**30


def environment() -> dict[str, Any]:
    """Return what is known about this machine and Python; None for what cannot be found out.

    The server's own runtime goes under the key "server", and under "servers" by the label of its
    Python where there are several; the caller adds both.
    """
    return {
        "project": PROJECT,
        "version": version(),
        "commit": _commit(),
        "platform": platform.platform(),
        "system": platform.system(),
        "kernel": platform.release(),
        "cpu": _cpu(),
        "cores": cores(),
        "cores_without_quota": len(usable_cores()),
        "memory_gib": round(psutil.virtual_memory().total / BYTES_PER_GIB, 1),
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "gil": bool(getattr(sys, "_is_gil_enabled", lambda: True)()),
        "load_average": _load_average(),
    }


def describe(environment: Mapping[str, Any]) -> str:
    """Return one line that names machine and server runtime; unknown parts are left out."""
    server: Mapping[str, Any] = environment.get("server") or {}
    machine = [_hardware(environment), _memory(environment), _system(environment)]
    servers = (environment.get("servers") or {"": server}).values()
    pythons = [name for runtime in servers if (name := _python(environment, runtime))]
    runtime = [listing(pythons), server.get("loop"), *_pools(server)]
    return ", ".join(str(part) for part in [*machine, *runtime] if part)


def _hardware(environment: Mapping[str, Any]) -> str | None:
    cores, cpu = environment.get("cores"), environment.get("cpu")
    if not cores:
        return cpu
    without = environment.get("cores_without_quota") or cores
    limited = f"{cores} of {phrase('cores', str(without))} (CPU quota)"
    count = limited if cores < without else phrase("cores", str(cores))
    return f"{count}{f' of {cpu}' if cpu else ''}"


def _memory(environment: Mapping[str, Any]) -> str | None:
    gib = environment.get("memory_gib")
    return f"{gib:.0f} GiB" if gib else None


def _system(environment: Mapping[str, Any]) -> str:
    kernel = ".".join(str(environment.get("kernel") or "").split(".")[:2])
    return f"{environment.get('system') or ''} {kernel}".strip()


def _python(environment: Mapping[str, Any], server: Mapping[str, Any]) -> str | None:
    version = server.get("python") or environment.get("python")
    if not version:
        return None
    if str(version)[0].isdigit():
        version = f"{environment.get('implementation') or 'Python'} {version}"
    gil = server.get("gil", environment.get("gil", True))
    return f"{version} without GIL" if gil in {False, "off", "disabled"} else str(version)


def _pools(server: Mapping[str, Any]) -> list[str]:
    several = [name for name in ("workers", "loops") if server.get(name, 1) > 1]
    pools = [name for name in ("threads", "processes") if server.get(name)]
    method = server.get("start_method")
    sizes = [phrase(name, str(server[name])) for name in (*several, *pools)]
    return [*sizes, *([str(method)] if method else ())]


def version() -> str | None:
    """Read it from the checkout, which is what runs; else from what is installed."""
    with suppress(OSError, ValueError, LookupError):
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        if project["name"] == PROJECT:
            return str(project["version"])
    with suppress(metadata.PackageNotFoundError):
        return metadata.version(PROJECT)
    return None


def _commit() -> str | None:
    # An installed copy may lie inside another project's repository: only our own counts.
    git = shutil.which("git") if (ROOT / ".git").exists() else None
    if git is None:
        return None
    return (
        output(
            git, "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*", timeout_s=ASK_S
        )
        or None
    )


def _cpu() -> str | None:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return " ".join(value.split())
    elif sysctl := shutil.which("sysctl"):
        return (
            output(sysctl, "-n", "machdep.cpu.brand_string", timeout_s=ASK_S) or platform.machine()
        )
    return platform.processor() or platform.machine() or None


def _load_average() -> list[float] | None:
    try:
        return [round(value, 2) for value in psutil.getloadavg()]
    except OSError:
        return None
