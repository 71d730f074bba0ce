"""What a workload is written with: `from server.workloads import workload, native, Payload`.

Worker processes import this package, so it needs only the standard library and annotated_types.
"""

from server.workloads.registry import Payload, native, workload

__all__ = ["Payload", "native", "workload"]
