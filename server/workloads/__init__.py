"""What a workload is written with: `from server.workloads import workload`.

    workload, native    a function as a workload, and its async version
    Payload, Vary       parameters: bytes of a size; values that differ between requests
    resource            what each worker opens once, and closes when it ends

Worker processes import this package, so it needs only the standard library and annotated_types.
"""

from server.workloads.registry import Payload, native, resource, workload
from server.workloads.varying import Vary

__all__ = ["Payload", "Vary", "native", "resource", "workload"]
