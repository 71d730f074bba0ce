"""The server with the faulty workloads: `python -m tests.support.faulty_server OPTIONS`."""

import sys

if __name__ == "__main__":
    import tests.support.faulty_workloads  # noqa: F401 - registers them
    from server.lifecycle.serve import main

    sys.exit(main(sys.argv[1:]))
