"""The server with a keep-alive deadline that tests can wait for: `python -m tests.hasty`."""

import sys

from server import listening

KEEPALIVE_S = 1

if __name__ == "__main__":
    import tests.faulty  # noqa: F401 - registers its workloads
    from server.serve import main

    listening.KEEPALIVE_S = KEEPALIVE_S
    sys.exit(main(sys.argv[1:]))
