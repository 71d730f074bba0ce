"""The tables of models and admission policies: names, and where their classes are.

It imports nothing, so that every room can read the names.
"""

from __future__ import annotations

MODELS = {
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

POLICIES = {
    "unbounded": "server.admission.policies:Unbounded",
    "bounded": "server.admission.policies:Bounded",
    "deadline": "server.admission.policies:Deadline",
    "lifo": "server.admission.policies:Lifo",
    "adaptive": "server.admission.policies:Adaptive",
}
