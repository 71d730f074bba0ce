"""What a cell should sustain, the search for what it does sustain, and how sure that is."""
