"""Rewrite the blocks and pictures that show published runs: `scripts/publish [NAME=DIR ...]`."""

import argparse
import sys

from loadtests.errors import RunFileError
from scripts.checks.publish.pages import publish

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="scripts/publish", description=__doc__)
    parser.add_argument("runs", nargs="*", metavar="NAME=DIR",
        help="also keep this run under a name, e.g. headline=results/latest")  # fmt: skip
    try:
        sys.exit(publish(parser.parse_args().runs))
    except RunFileError as error:
        sys.exit(f"scripts/publish: {error}")
