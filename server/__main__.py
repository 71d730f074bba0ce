"""`python -m server`: kept tiny, because worker processes import the main module again."""

import os
import signal
import sys

if __name__ == "__main__":
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Until the server hears signals, nothing is under way: Ctrl-C ends it without a traceback.
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))

    from server.lifecycle.serve import main

    sys.exit(main(sys.argv[1:]))
