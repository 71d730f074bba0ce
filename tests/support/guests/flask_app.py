"""A Flask app whose limits are those of the server that runs it.

gunicorn tests.support.guests.flask_app:app
"""

import time

from flask import Flask

WAIT_S = 0.1
BELOW = 3000

app = Flask(__name__)


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/wait")
def wait() -> dict[str, str]:
    time.sleep(WAIT_S)
    return {"waited": "in a thread"}


@app.get("/compute")
def compute() -> dict[str, int]:
    primes = [n for n in range(2, BELOW) if all(n % k for k in range(2, int(n**0.5) + 1))]
    return {"primes": len(primes)}
