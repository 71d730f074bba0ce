"""Known facts of Python under load, measured with the instrument: if it is right, it shows them."""
