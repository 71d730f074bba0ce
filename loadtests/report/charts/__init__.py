"""The charts of reports: drawn by Altair where they have scales, by a template elsewhere."""
