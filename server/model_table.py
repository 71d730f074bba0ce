"""The table of models: names, and where their classes are. It imports nothing."""

from __future__ import annotations

TABLE = {
    "inline": "server.models.on_loop:Inline",
    "async": "server.models.on_loop:Native",
    "thread-per-request": "server.models.threads:ThreadPerRequest",
    "thread-pool": "server.models.threads:ThreadPool",
    "process-per-request": "server.models.processes:ProcessPerRequest",
    "process-pool": "server.models.processes:ProcessPool",
    "supervised-process-pool": "server.models.supervised.pool:SupervisedProcessPool",
    "interpreter-pool": "server.models.interpreters:InterpreterPool",
    "hybrid": "server.models.hybrid:Hybrid",
    "dask": "server.models.dask.model:Dask",
}
