"""The same load from several processes or machines, as one."""
