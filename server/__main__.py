"""`python -m server`: kept tiny, since worker processes load the main module again."""

import sys

if __name__ == "__main__":
    from server.serve import main

    sys.exit(main(sys.argv[1:]))
