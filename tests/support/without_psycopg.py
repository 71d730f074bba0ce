"""A server where psycopg is not installed: `python -m tests.support.without_psycopg OPTIONS`."""

import sys

if __name__ == "__main__":
    sys.modules["psycopg"] = None  # type: ignore[assignment]  # as Python marks what is missing
    from server.lifecycle.serve import main

    sys.exit(main(sys.argv[1:]))
