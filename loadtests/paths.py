"""Where the checkout is: children are started there, and results are kept there."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
