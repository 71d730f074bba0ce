"""The errors that end a load test early; each message says what is wrong, why, and what to do.

LoadTestError
├── ServiceError       the service cannot do what was requested
├── StartError         a server process did not start
├── Untrustworthy      a cell cannot be measured
├── Unmeasured         a figure beyond the peak could not be taken
├── NotSampled         the stacks of a service could not be sampled
├── WorkersGone        no worker is left to offer the load
├── MeasurementGone    the measuring process ended in the middle
├── RunFileError       a run file, or its folder, cannot be used
└── FieldError         a form has an unknown field, or an invalid value
"""


class LoadTestError(Exception):
    """A load test, or a part of it, cannot go on."""


class ServiceError(LoadTestError):
    """The service cannot be used as requested."""


class StartError(LoadTestError):
    """A server process did not start; the message quotes it, or says where to look."""


class Untrustworthy(LoadTestError):
    """A cell cannot be measured."""


class Unmeasured(LoadTestError):
    """A figure beyond the peak could not be taken."""


class NotSampled(LoadTestError):
    """The stacks of a service could not be sampled; the advice says what would help, if known."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice


class WorkersGone(LoadTestError):
    """No worker is left to offer the load."""

    def __init__(self) -> None:
        super().__init__("no worker is left to offer the load")


class MeasurementGone(LoadTestError):
    """The measuring process ended in the middle; its log may say why."""


class RunFileError(LoadTestError):
    """A run file, or its folder, cannot be used."""


class FieldError(LoadTestError):
    """A form has an unknown field, or an invalid value."""
