"""What a run of draws will take, told before it starts."""

from dataclasses import dataclass

from biodata.analysis.uncertainty.one_draw import Task

# Measured on one thread (the Sabah raster of CoLa, 123,000 cells, 50 points): a search settles 15 million cells a second,
# and a pair's corridor reads and adds 100 million.
_CELLS_PER_SECOND_OF_SEARCH = 1.5e7
_CELLS_PER_SECOND_OF_PAIR = 1e8
_BYTES_PER_CELL_OF_SURFACE = 9
_BYTES_PER_CELL_OF_DRAW = 60


@dataclass(frozen=True, slots=True)
class DrawsEstimate:
    """What a run will take.

    Attributes
    ----------
    cells, nodes, pairs, draws : int
    memory_bytes : int
        Most that the run holds at a time.
    seconds : float
        On an otherwise idle machine.
    error : float
        Largest standard error of a frequency.
    """

    cells: int
    nodes: int
    pairs: int
    draws: int
    memory_bytes: int
    seconds: float
    error: float

    def told(self) -> str:
        """Return the estimate as a line for a person."""
        return (
            f"estimate: {self.draws} draws of {self.cells:,} cells, {self.nodes} areas, {self.pairs:,} pairs: "
            f"{self.memory_bytes / 2**20:,.0f} MiB, {max(self.seconds, 1):,.0f} s; error of a frequency at most {self.error:.3f}"
        )


def estimate(task: Task, *, draws: int, workers: int = 1) -> DrawsEstimate:
    """Estimate a run of `frequencies.frequencies` without a search.

    Parameters
    ----------
    task : Task
    draws : int
    workers : int
        Threads.
    """
    cells, nodes, pairs = task.grid.cells, len(task.nodes), len(task.pairs)
    each = cells * (nodes / _CELLS_PER_SECOND_OF_SEARCH + pairs / _CELLS_PER_SECOND_OF_PAIR)
    finest = min(task.assumptions.cell_factors)
    held = cells * (_BYTES_PER_CELL_OF_DRAW + nodes * _BYTES_PER_CELL_OF_SURFACE) / finest**2
    return DrawsEstimate(
        cells, nodes, pairs, draws, int(workers * held + 16 * cells),
        round((draws + 1) * each / workers, 1), 0.5 / draws**0.5,
    )  # fmt: skip
