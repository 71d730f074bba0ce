"""What a cell should sustain, what it does sustain, and how sure that is."""
