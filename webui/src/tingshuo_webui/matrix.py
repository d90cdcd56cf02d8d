"""The confusion matrix of a round trip, as the page draws it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tingshuo_webui.words import EMOTIONS


@dataclass(frozen=True, slots=True)
class Cell:
    """How often an emotion was heard as another; `tenths` is its share of the row in steps of ten per cent."""

    heard: str
    count: int
    tenths: int
    right: bool


@dataclass(frozen=True, slots=True)
class Matrix:
    """Columns are the emotions spoken or heard, rows those spoken."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


def matrix_of(result: Mapping[str, Any]) -> Matrix:
    """The matrix of a round trip's result; emotions that nobody spoke or heard have no column."""
    confusion: Mapping[str, Mapping[str, int]] = result.get("confusion") or {}
    columns = tuple(name for name in EMOTIONS if name in confusion or any(row.get(name) for row in confusion.values()))
    rows = tuple((name, _row(name, confusion[name], columns)) for name in EMOTIONS if name in confusion)
    return Matrix(columns, rows)


def _row(spoken: str, counts: Mapping[str, int], columns: tuple[str, ...]) -> tuple[Cell, ...]:
    total = sum(counts.values()) or 1
    return tuple(
        Cell(heard, count := counts.get(heard, 0), round(10 * count / total), heard == spoken) for heard in columns
    )
