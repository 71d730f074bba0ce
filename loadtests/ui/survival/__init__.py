"""A survival run, watched while it goes on."""
