"""The report of a survival run: terminal, Markdown and HTML."""
