"""The instrument: drives a service until its service-level objective breaks, and says why."""
