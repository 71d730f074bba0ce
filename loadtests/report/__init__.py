"""What a survival run looks like to people: in the terminal, as a picture, as Markdown."""
