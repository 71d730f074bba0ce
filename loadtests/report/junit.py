"""Checks as JUnit XML, which every CI server shows: passed, failed, or skipped with the reason."""

import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as Tree

from loadtests.report.check import Check

# Neither a tab, nor a line's end, nor a character: XML 1.0 cannot hold it, not even escaped.
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
HEAD = '<?xml version="1.0" encoding="utf-8"?>'
PLACES = {"fails": "failure", "cannot tell": "skipped"}  # where its sentence goes


def junit(
    suite: str, checks: Sequence[Check], properties: Mapping[str, object], started: str
) -> str:
    """Return a document with a test case for each check; the properties are those of the run."""
    outcomes = [check.outcome for check in checks]
    counts = {
        "tests": len(checks),
        "failures": outcomes.count("fails"),
        "errors": 0,
        "skipped": outcomes.count("cannot tell"),
    }
    root = _element(None, "testsuites", counts)
    top = _element(root, "testsuite", {"name": suite, **counts, "timestamp": started})
    _properties(top, properties)
    for check in checks:
        case = _element(top, "testcase", {"classname": check.subject, "name": check.name})
        _properties(case, {**check.figures, "sentence": check.sentence})
        if check.outcome in PLACES:
            why = {"message": check.sentence, "type": check.outcome}
            _element(case, PLACES[check.outcome], why).text = _text(check.sentence)
    Tree.indent(root)
    return f"{HEAD}\n{Tree.tostring(root, 'unicode')}\n"


def _properties(parent: Tree.Element, values: Mapping[str, object]) -> None:
    known = {name: value for name, value in values.items() if value is not None}
    if known:
        listed = _element(parent, "properties", {})
        for name, value in known.items():
            _element(listed, "property", {"name": name, "value": value})


def _element(parent: Tree.Element | None, tag: str, values: Mapping[str, object]) -> Tree.Element:
    attributes = {name: _text(value) for name, value in values.items()}
    if parent is None:
        return Tree.Element(tag, attributes)
    return Tree.SubElement(parent, tag, attributes)


def _text(value: object) -> str:
    return NOT_XML.sub("\N{REPLACEMENT CHARACTER}", str(value))
