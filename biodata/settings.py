"""Settings: built once, by a command or by `create_app()`, and passed in."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What an installation decides; each can be set as `BIODATA_…` in the environment.

    Attributes
    ----------
    data : Path
        Folder of the registry, the lake, the releases and the uploads.
    registry_url : str, optional
        SQLAlchemy address of the registry; a SQLite file in `data` where nothing is given.
    boundaries : str
        Name of the boundary set.
    memory_limit : str
        What one DuckDB connection that builds or analyses may use.
    upload_limit_bytes : int
        Largest upload taken.
    gbif_url : str
        Address of GBIF's API.
    """

    model_config = SettingsConfigDict(env_prefix="BIODATA_", frozen=True, extra="ignore")

    data: Path = Field(default=Path("biodata_data"))
    registry_url: str | None = Field(default=None)
    boundaries: str = Field(default="natural_earth")
    memory_limit: str = Field(default="1500MB", pattern=r"^\d+(\.\d+)?[KMG]B$")
    upload_limit_bytes: int = Field(default=50_000_000, gt=0)
    gbif_url: str = Field(default="https://api.gbif.org/v1/")

    @property
    def rules_file(self) -> Path | None:
        """The installation's own sharing rules, `sharing_rules.csv` in its folder; None where the bundled list holds."""
        own = self.data / "sharing_rules.csv"
        return own if own.exists() else None

    @property
    def gazetteer_file(self) -> Path | None:
        """The installation's own seats, middles and institutions, `gazetteer.csv` in its folder; None without one."""
        own = self.data / "gazetteer.csv"
        return own if own.exists() else None
