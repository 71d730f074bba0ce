"""The charts of a survival run, for its report and for pages that show what it found."""
