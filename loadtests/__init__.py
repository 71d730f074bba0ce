"""The instrument: it loads a service, finds the capacity of each cell, and says what limits it.

    commands/  ui/    what to measure: from the command line, or from Locust's web interface
        │
        ▼
    run/              plans a run, and measures the rows of one workload after the other in rounds:
        │
        │   ┌───────────── next rate ─────────────┐
        │   ▼                                     │
        │  load/   ──▶   trial/   ──▶   capacity/ ┴─▶   cause/
        │  schedule,     tally,         prediction,     the resource that ran
        │  open loop,    verdict:       rounds,         out first, and what
        │  answers       held, broke    ratios with     would prove it
        │                or void        intervals
        │  service/      the service under test: its contract, its process, what it consumes
        │  machine/      what the machine is, and whether anything else disturbed a trial
        ▼
    run/file/         the run file: one line for each result, appended at once, read to resume
        │
        ▼
    report/           what people read: sentences, tables and pictures of a run file

    slo  cell  errors  wording  paths  system/      the vocabulary of all rooms

A room imports only rooms before it in this order: load, machine, trial, service, capacity, cause,
run, report, ui, commands. What measures imports gevent, which patches the whole process; commands
and reports therefore run in another process, and the run file connects the two.
"""
