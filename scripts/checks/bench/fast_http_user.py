"""What Locust's FastHttpUser costs at a rate; a separate process, because Locust patches it.

    python -m scripts.checks.bench.fast_http_user URL RATE SECONDS

prints the microseconds of CPU per request.
"""

import sys
from time import process_time

import gevent
from locust import FastHttpUser, constant_throughput, task
from locust.env import Environment

USERS = 100


class User(FastHttpUser):
    """Sends its share of the rate."""

    concurrency = 1

    @task
    def ask(self) -> None:
        self.client.get("/record")


def main(url: str, rate: float, duration_s: float) -> None:
    User.host = url
    User.wait_time = constant_throughput(rate / USERS)
    environment = Environment(user_classes=[User])
    runner = environment.create_local_runner()
    runner.start(USERS, spawn_rate=USERS)
    gevent.sleep(1.0)
    before, cpu = environment.stats.total.num_requests, process_time()
    gevent.sleep(duration_s)
    sent, cpu = environment.stats.total.num_requests - before, process_time() - cpu
    runner.quit()
    print(f"{1e6 * cpu / sent:.1f}")  # noqa: T201 - printing is its purpose


main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
