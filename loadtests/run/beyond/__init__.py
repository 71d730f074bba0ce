"""Beyond the peak: overload, spikes, soaks, faults and interference."""
