"""The charts of reports, drawn by the pixel and written as SVG by a template."""
