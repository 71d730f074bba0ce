"""The server with a short keep-alive timeout: `python -m tests.support.hasty_server`."""

import sys

from server.lifecycle import sockets

KEEPALIVE_S = 1

if __name__ == "__main__":
    import tests.support.faulty_workloads  # noqa: F401 - registers its workloads
    from server.lifecycle.serve import main

    sockets.KEEPALIVE_S = KEEPALIVE_S
    sys.exit(main(sys.argv[1:]))
