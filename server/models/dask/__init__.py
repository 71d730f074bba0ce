"""Calls on a Dask cluster, local or remote."""
