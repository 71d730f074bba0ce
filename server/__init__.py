"""The server: an aiohttp service that runs the same work under every concurrency model.

    GET /primes/process-pool?below=5000
      │
      ▼
    web/         door (who may ask?) ─▶ answering (errors, statuses) ─▶ handlers
      │          and discovery, OpenAPI, events, the live page
      ├───────▶  catalogue/   arguments from the query; whether a workload can run; user modules
      ▼
    models/      Model.run(work, arguments, timeline): one class for each model
      ├───────▶  admission/   let in, queue, or refuse with 503; deadlines
      ▼
    worker/      carry: the function between its stamps, in a thread, a process, an interpreter,
      │          on a cluster, or on the event loop itself
      ▼
    workloads/   what is done: functions, plain or async

    lifecycle/   reads the options, binds, runs one event loop or several, drains
    telemetry/   what each event loop counts and measures, and the whole of it
    settings  cores  errors  tables  streams    the vocabulary of all rooms

The result goes back the same way: `carry` returns it with its stamps, the model adds them to the
timeline, and the handler writes both. Worker processes import this package: it holds no code.
"""
