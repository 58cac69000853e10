"""The files of a lake: in the installation's folder, or on storage that several machines share."""

from pathlib import Path
from typing import Final

from biodata.store.cluster import Cluster
from biodata.store.locks import sync_folder

_BELOW: Final = "lake/"


class LakeFiles:
    """Names below the folder of a lake's files, wherever that is.

    Parameters
    ----------
    data : Path
        The installation's folder.
    shared : Cluster, optional
        Where the files lie that several machines share.

    Attributes
    ----------
    root : str
        The folder as DuckLake has it, with a stroke at its end.
    """

    def __init__(self, data: Path, shared: Cluster | None) -> None:
        self._folder = data / "lake"
        self._shared = shared
        self.root = f"{self._folder}/" if shared is None else f"{shared.storage.root}{_BELOW}"

    def take(self, path: Path, name: str) -> str:
        """Let a finished file of this machine become one of the lake's; return its address."""
        if self._shared is not None:
            self._shared.storage.put(path, f"{_BELOW}{name}")
            path.unlink()
        else:
            target = self._folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
        return self.root + name

    def settle(self, folder: str) -> None:
        """Make what was taken into a folder durable; storage is so by itself."""
        if self._shared is None:
            (self._folder / folder).mkdir(parents=True, exist_ok=True)
            sync_folder(self._folder / folder)

    def sizes(self, folder: str = "") -> dict[str, int]:
        """Return the size of each Parquet file below a folder, by name.

        Raises
        ------
        StoreError
            If the storage does not answer.
        """
        if self._shared is not None:
            found = self._shared.storage.sizes(f"{_BELOW}{folder}")
            return {name.removeprefix(_BELOW): size for name, size in found.items() if name.endswith(".parquet")}
        paths = (self._folder / folder).rglob("*.parquet")
        return {path.relative_to(self._folder).as_posix(): path.stat().st_size for path in paths}

    def fetched(self, name: str, work: Path) -> Path | None:
        """Return a file of this machine with the content of one of the lake's, in `work` where it lies on storage; None where it is gone."""
        if self._shared is None:
            path = self._folder / name
            return path if path.is_file() else None
        if f"{_BELOW}{name}" not in self._shared.storage.sizes(f"{_BELOW}{Path(name).parent}"):
            return None
        path = work / Path(name).name
        self._shared.storage.fetch(f"{_BELOW}{name}", path)
        return path

    def replace(self, name: str, path: Path) -> None:
        """Put a file of this machine in place of one of the lake's, durably."""
        if self._shared is not None:
            self._shared.storage.put(path, f"{_BELOW}{name}")
            path.unlink()
        else:
            path.replace(self._folder / name)
            sync_folder((self._folder / name).parent)

    def remove(self, name: str) -> None:
        """Remove a file; nothing where it is gone."""
        if self._shared is not None:
            self._shared.storage.remove(f"{_BELOW}{name}")
        else:
            (self._folder / name).unlink(missing_ok=True)
