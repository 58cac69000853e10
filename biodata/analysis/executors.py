"""How a raster reaches the tasks of an executor, whichever it is."""

from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


def ground_for(executor: Executor, values: npt.NDArray[np.float64], folder: Path) -> Any:
    """Return what stands for a raster among the values that a task is handed.

    Parameters
    ----------
    executor : concurrent.futures.Executor
        Threads get the raster itself, an executor that has a method `share` (the workers of a cluster) what that
        returns, and any other, processes of this machine, the path of a file.
    values : ndarray of float64
    folder : Path
        Where the file is written.
    """
    if isinstance(executor, ThreadPoolExecutor):
        return values
    share = getattr(executor, "share", None)
    if share is not None:
        return share(values)
    path = folder / "ground.npy"
    np.save(path, values)
    return path
