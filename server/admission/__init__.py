"""Who is let in, who waits, who is refused, and until when work may run."""
