"""The house as it is: rooms, their sizes, and who imports whom. `python -m tests.house.rooms`.

A room is a folder of `server/` or `loadtests/`; the files beside them are the vocabulary, which
imports no room, and the entrances, which nothing imports but to start.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
VOCABULARY, ENTRANCES = "vocabulary", "entrances"
# From the ground up: a room imports only rooms that stand before it.
ROOMS = {
    "server": (
        *(VOCABULARY, "worker", "workloads", "admission", "catalogue", "models", "telemetry"),
        *("web", "lifecycle", ENTRANCES),
    ),
    "loadtests": (
        *(VOCABULARY, "system", "load", "machine", "trial", "service", "capacity", "cause"),
        *("run", "report", "ui", "commands", ENTRANCES),
    ),
}
DOORS = {"server.__main__", "loadtests.__main__", "loadtests.locustfile"}


@dataclass(frozen=True, slots=True)
class Import:
    """A module that another imports: with it, inside a function, or for the type checker only."""

    name: str
    lazy: bool
    typing: bool

    @property
    def package(self) -> str:
        return self.name.partition(".")[0]


def sources(*folders: str) -> dict[str, Path]:
    """Map the names of the modules below these folders to their files."""
    modules = {}
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            modules[".".join(parts).removesuffix(".__init__")] = path
    return modules


MODULES = sources("server", "loadtests")


@cache
def imports(module: str) -> list[Import]:
    return list(walk(ast.parse(MODULES[module].read_text()), lazy=False, typing=False))


def walk(node: ast.AST, *, lazy: bool, typing: bool) -> Iterator[Import]:
    """List what a syntax tree imports. Imports are absolute here, which is checked."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, lazy, typing) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            for alias in child.names:
                whole = f"{child.module}.{alias.name}"
                name = whole if whole in MODULES else str(child.module)
                yield Import(name, lazy, typing)
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            checked = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            yield from walk(child, lazy=lazy or inside, typing=typing or checked)


def reached(module: str) -> set[str]:
    """List our modules that are loaded with this one, directly or not."""
    loaded: set[str] = set()
    left = [module]
    while left:
        name = left.pop()
        if name not in loaded and name in MODULES:
            loaded.add(name)
            left += [target.name for target in imports(name) if not target.typing]
            left.append(name.rpartition(".")[0])  # a module loads its package
    return loaded


def under(prefix: str) -> list[str]:
    return [name for name in MODULES if name == prefix or name.startswith(f"{prefix}.")]


def room_of(module: str) -> str:
    """Name the room of a module: the folder right below its half, the vocabulary or an entrance."""
    if module in DOORS:
        return ENTRANCES
    _, _, rest = module.partition(".")
    room = rest.partition(".")[0]
    is_folder = room and MODULES[f"{module.partition('.')[0]}.{room}"].name == "__init__.py"
    return room if is_folder else VOCABULARY


def arrows(half: str) -> dict[tuple[str, str], list[str]]:
    """Map pairs of rooms, the importing one first, to the imports between them."""
    between: dict[tuple[str, str], list[str]] = {}
    for module in under(half):
        for target in imports(module):
            if target.package == half and room_of(module) != room_of(target.name):
                pair = (room_of(module), room_of(target.name))
                between.setdefault(pair, []).append(f"{module} → {target.name}")
    return between


def upward(half: str) -> list[str]:
    """List the imports of a higher room by a lower one."""
    order = ROOMS[half]
    return [
        line
        for (source, target), lines in arrows(half).items()
        if order.index(target) > order.index(source)
        for line in lines
    ]


def levels(half: str) -> Mapping[str, int]:
    """Count for each room the rooms of the longest way down from it, itself included."""
    targets: dict[str, set[str]] = {room: set() for room in ROOMS[half]}
    for source, target in arrows(half):
        targets[source].add(target)
    height = dict.fromkeys(ROOMS[half], 0)
    for room in ROOMS[half]:
        height[room] = 1 + max((height[name] for name in targets[room]), default=0)
    return height


def table(half: str) -> Iterator[str]:
    """Write a table of the rooms, in Markdown."""
    yield f"| {half} | level | files | lines | median | longest |"
    yield "|---|---|---|---|---|---|"
    height = levels(half)
    for room in ROOMS[half]:
        sizes = {
            name: len(MODULES[name].read_text().splitlines())
            for name in under(half)
            if room_of(name) == room
        }
        longest = max(sizes, key=sizes.__getitem__)
        yield (
            f"| {room} | {height[room]} | {len(sizes)} | {sum(sizes.values()):,} | "
            f"{median(sizes.values()):g} | {longest.removeprefix(f'{half}.')} {sizes[longest]} |"
        )
    yield f"\n{max(height.values())} levels, {len(upward(half))} upward imports\n"


if __name__ == "__main__":
    for name in ROOMS:
        sys.stdout.writelines(f"{line}\n" for line in table(name))
