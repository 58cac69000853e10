"""GRASS GIS, run headless in a project of its own: the peer of cost distance."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

PROGRAM = shutil.which("grass")
SYSTEM = "EPSG:3035"


@dataclass(frozen=True)
class Seconds:
    """Processor seconds of GRASS modules."""

    search: float
    reading_and_writing: float


class Grass:
    """A project with one resistance map."""

    def __init__(self, folder: Path, resistance: np.ndarray, *, cell: tuple[float, float] = (1.0, 1.0)) -> None:
        self.folder, self.shape, self.cell = folder, resistance.shape, cell
        rows, columns = resistance.shape
        profile = {"driver": "GTiff", "count": 1, "dtype": "float64", "nodata": np.nan, "crs": SYSTEM}
        profile |= {"height": rows, "width": columns, "transform": Affine(cell[0], 0, 4e6, 0, -cell[1], 3e6)}
        with rasterio.open(folder / "resistance.tif", "w", **profile) as target:
            target.write(resistance, 1)
        subprocess.run([PROGRAM, "-c", SYSTEM, "-e", folder / "project"], check=True, capture_output=True)
        self.run("r.in.gdal -o --q input=resistance.tif output=resistance", "g.region raster=resistance")

    def run(self, *lines: str) -> str:
        """Run lines of a shell inside the project; return what they print."""
        script = self.folder / "script.sh"
        script.write_text("\n".join(["set -e", f"cd '{self.folder}'", *lines, ""]))
        command = [PROGRAM, self.folder / "project" / "PERMANENT", "--exec", "bash", script]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr + "".join(path.read_text() for path in self.folder.glob("*.txt"))
        return done.stdout

    def cost(self, sources: list[int]) -> tuple[np.ndarray, Seconds]:
        """Return accumulated costs in cells' widths (nan where none), and what r.cost took with directions."""
        points = []
        for row, column in (divmod(int(cell), self.shape[1]) for cell in sources):
            points += [f"{4e6 + (column + 0.5) * self.cell[0]:.3f}", f"{3e6 - (row + 0.5) * self.cell[1]:.3f}"]
        module = "r.cost --o --q memory=2000 input=resistance output=cost outdir=direction"
        module += f" start_coordinates={','.join(points)}"
        printed = self.run(
            "TIMEFORMAT='%U %S'",
            f"{{ time {module} max_cost=1e-9 2>> log.txt; }} 2> still.txt",
            f"{{ time {module} 2>> log.txt; }} 2> search.txt",
            "r.out.gdal --o --q -c input=cost output=cost.tif type=Float64 nodata=-1 2>> log.txt",
            "cat search.txt still.txt",
        )
        whole, still = (sum(map(float, line.split())) for line in printed.strip().splitlines())
        with rasterio.open(self.folder / "cost.tif") as source:
            found = source.read(1)
        return np.where(found < 0, np.nan, found), Seconds(whole - still, still)
