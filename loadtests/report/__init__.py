"""What people read of a run: in the terminal, as Markdown, as a page and as pictures."""
