"""The server with the faulty workloads: `python -m tests.served` takes the server's options."""

import sys

if __name__ == "__main__":
    import tests.faulty  # noqa: F401 - registers them
    from server.serve import main

    sys.exit(main(sys.argv[1:]))
