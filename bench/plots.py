"""Plots."""

from pathlib import Path

from bench.results import Results


def drawn(results: Results, folder: Path, name: str) -> list[Path]:
    """Draw what was measured."""
    return []
