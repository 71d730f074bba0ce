"""What a service that reports nothing of itself lets in at a time, as clients see it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Admitted:
    """How a service answered more and more clients, each of which waits for its answer.

    `slots` is how many requests it served at a time although its processors had time left; None
    where nothing but computing limits it, or nothing at all up to `clients`. Then it is between
    `slots_low` and `slots_high`. Each was inside for `service_s`.
    """

    rate: float  # answers per second at its limit, or the highest rate that was reached
    clients: int  # the most that it was tried with
    slots: int | None = None
    slots_low: float = 0.0
    slots_high: float = 0.0
    service_s: float = 0.0
    service_low_s: float = 0.0
    service_high_s: float = 0.0
    servers: int = 1  # processes that answered
    # What computed all the time at that rate: "cores", "process" (each of them on one core),
    # "generator", or empty.
    busy: str = ""
    server_cores: float | None = None  # that were busy at that rate; None where it is not visible
    beside_s: float | None = None  # how long another request waited meanwhile
    polls: bool | None = None  # its processes wait for events, as an event loop does

    @property
    def alone(self) -> bool:
        """Whether each process serves one request at a time, and computes for a part of it only."""
        return self.slots == self.servers

    @property
    def blocked(self) -> bool:
        """Whether an event loop serves nothing else while it serves a request."""
        waits = self.beside_s is not None and self.beside_s >= self.service_s / 2
        return self.alone and waits and self.polls is not False
