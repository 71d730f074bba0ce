"""The survival run: every cell searched, resumed, and recorded."""
