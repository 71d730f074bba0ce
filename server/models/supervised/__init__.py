"""A process pool whose workers can be killed and replaced one by one."""
