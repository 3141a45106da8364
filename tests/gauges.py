"""A log of measurements in which every cell tells something of the others, and the ways in which such logs go wrong."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

GAUGE, LENGTH, WEIGHT, HEAT, FORCE = "diameter mm", "length mm", "weight g", "temperature", "force N"


@dataclass
class Log:
    """The rows, and what stands wrong in which cell: (row, column) -> what happened."""

    frame: pd.DataFrame
    truth: dict[tuple[int, str], str] = field(default_factory=dict)

    def put(self, row: int, column: str, value: float, what: str) -> None:
        self.truth[(int(row), column)] = what
        self.frame.loc[int(row), column] = value

    def inches(self, rows: int = 12) -> "Log":
        """One gauge showed inches for a few days."""
        day = (self.frame["date"] - self.frame["date"].min()).dt.days
        for row in np.flatnonzero((self.frame["gauge"] == "G3") & (day >= 20) & (day <= 24))[:rows]:
            self.put(row, GAUGE, round(self.frame.at[row, GAUGE] / 25.4, 3), "inch")
        return self

    def tenfold(self, rows: int = 9, first: int = 3) -> "Log":
        for row in range(first, first + 120 * rows, 120):
            self.put(row, WEIGHT, round(self.frame.at[row, WEIGHT] * 10, 1), "tenfold")
        return self

    def swapped(self, rows: int = 6, first: int = 7) -> "Log":
        for row in range(first, first + 120 * rows, 120):
            one, other = self.frame.at[row, GAUGE], self.frame.at[row, LENGTH]
            self.put(row, GAUGE, other, "swapped")
            self.put(row, LENGTH, one, "swapped")
        return self

    def operator(self, rows: int = 12) -> "Log":
        """One operator misreads the force, each time by another amount."""
        rng = np.random.default_rng(5)
        for row in np.flatnonzero(self.frame["operator"] == "Ben")[::18][:rows]:
            self.put(row, FORCE, round(self.frame.at[row, FORCE] * rng.uniform(1.8, 3)), "operator")
        return self

    def stuck(self, rows: int = 11, first: int = 600) -> "Log":
        for row in range(first, first + rows):
            self.put(row, HEAT, 22.37, "stuck")
        return self


def gauge_log(rows: int = 1200, seed: int = 0) -> Log:
    """Parts of three sizes on eight gauges over thirty days, nothing wrong."""
    rng = np.random.default_rng(seed)
    part = rng.integers(0, 3, rows)
    size = np.array([20.0, 35.0, 60.0])[part] * np.exp(rng.normal(0, 0.08, rows))
    date = pd.Timestamp("2026-03-01") + pd.to_timedelta(np.sort(rng.integers(0, 30, rows)), unit="D")
    frame = pd.DataFrame(
        {
            "date": date,
            "gauge": [f"G{each}" for each in rng.integers(1, 9, rows)],
            "operator": np.array(["Ann", "Ben", "Cai", "Dai", "Eva"])[rng.integers(0, 5, rows)],
            "part": np.array(["P20", "P35", "P60"])[part],
            GAUGE: np.round(size + rng.normal(0, 0.1, rows), 2),
            LENGTH: np.round(size * 4.2 + rng.normal(0, 1.5, rows), 1),
            WEIGHT: np.round(size**2 * 0.09 * np.exp(rng.normal(0, 0.03, rows)), 1),
            HEAT: np.round(21 + rng.normal(0, 0.8, rows), 1),
            FORCE: np.round(size * 11 + rng.normal(0, 9, rows), 0),
        }
    )
    return Log(frame)
