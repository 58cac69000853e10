"""Settings: built once, by a command or by `create_app()`, and passed in."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _networks(text: Any) -> Any:
    """Read addresses and networks with commas between them."""
    parts = text.split(",") if isinstance(text, str) else text
    return tuple(ip_network(str(part).strip(), strict=False) for part in parts if str(part).strip())


Networks: TypeAlias = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_networks)]
"""Addresses and networks: `10.0.0.0/8,127.0.0.1` in the environment."""


def _names(text: Any) -> Any:
    """Read names with commas between them."""
    parts = text.split(",") if isinstance(text, str) else text
    return tuple(str(part).strip() for part in parts if str(part).strip())


Names: TypeAlias = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)]
"""Names: `one,another` in the environment."""


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
    scheduler : str, optional
        Address of a Dask scheduler, `tcp://127.0.0.1:8786`: tables of more than one batch are interpreted by its
        workers, and runs may be worked there.
    memory_limit : str
        What one DuckDB connection that builds or analyses may use.
    upload_limit_bytes : int
        Largest upload taken.
    gbif_url, protected_planet_url, checklistbank_url, obis_url, inaturalist_url, ebird_url, red_list_url, species_plus_url : str
        Addresses of the services that `biodata pull` asks.
    elevation_url, land_cover_url : str
        Where the tiles of Copernicus' elevation model and of WorldCover lie.
    contact : str, optional
        An address of mail or of a page, stated to those services with every request.
    datacite_url, datacite_repository, datacite_password, datacite_prefix, datacite_state
        DataCite's API, the account, the DOI prefix, and whether a DOI is registered as draft, registered or findable.
    downloads_limit_bytes : int
        Room that all files of downloads together may take.
    downloads_kept_days : int
        Days that a download's file is kept.
    downloads_waiting : int
        Downloads that may wait at once; one more is asked to come later.
    public_url : str, optional
        Where the service is reached from outside, `https://data.example.org`; every link begins with it. Where nothing
        is given, links begin with the Host that was asked if it is an address or this machine's name, else with the
        address that the request came in at.
    trusted_proxies : tuple of networks
        Whose word is taken for the address of a client (X-Forwarded-For); nobody's where nothing is given.
    rate_limit : int, optional
        Requests a minute of one client, all at once or spread; 0 is no limit. Where nothing is given 6000, and a
        client on this machine has no limit.
    metrics_token : SecretStr, optional
        Whoever sends it as `Authorization: Bearer` may read /metrics; without it only this machine may.
    login_limit : int
        Logins a minute that one client may try; all together may try three times as many at one account. 0 is no limit.
    password_memory_mib : int
        MiB that the check of one password takes; two are checked at once by each process.
    documentation : str
        Who reads /docs and /openapi.json: `public`, or whoever has one of the `accounts`.
    query_timeout_s : float
        Seconds that one question to a release may take.
    exact_socket : Path, optional
        Where the process with the exact records answers (`biodata exact serve`); none is reached without it.
    consent : str, optional
        `required`: an output that touches several countries is a draft until each of their nodes agreed; or
        `not_required`. Where nothing is given it is required of the outputs that concern a country with a node here.
    survey_review : str, optional
        `required`: a survey is published once the reviewer of each country that it tells of accepted it; a country
        without a reviewer is waited for. `not_required`: at once, when it is checked. Where nothing is given it is
        required of each country for which somebody else than its sender may review.
    survey_unreviewed : tuple of str
        Accounts whose surveys are published without a review: `nam-ha-rangers,seima` in the environment.
    """

    model_config = SettingsConfigDict(env_prefix="BIODATA_", frozen=True, extra="ignore")

    data: Path = Field(default=Path("biodata_data"))
    registry_url: str | None = Field(default=None)
    boundaries: str = Field(default="natural_earth")
    scheduler: str | None = Field(default=None, pattern=r"^(tcp|tls)://[!-~]{3,200}$")
    memory_limit: str = Field(default="1GB", pattern=r"^\d+(\.\d+)?[KMG]B$")
    upload_limit_bytes: int = Field(default=50_000_000, gt=0)
    gbif_url: str = Field(default="https://api.gbif.org/v1/")
    protected_planet_url: str = Field(default="https://api.protectedplanet.net/v4/")
    checklistbank_url: str = Field(default="https://api.checklistbank.org/")
    obis_url: str = Field(default="https://api.obis.org/v3/")
    inaturalist_url: str = Field(default="https://api.inaturalist.org/v2/")
    ebird_url: str = Field(default="https://api.ebird.org/v2/")
    red_list_url: str = Field(default="https://api.iucnredlist.org/api/v4/")
    species_plus_url: str = Field(default="https://api.speciesplus.net/api/v1/")
    elevation_url: str = Field(default="https://copernicus-dem-90m.s3.amazonaws.com/")
    land_cover_url: str = Field(default="https://esa-worldcover.s3.eu-central-1.amazonaws.com/v200/2021/map/")
    contact: str | None = Field(default=None, pattern=r"^[!-~]{3,200}$")
    datacite_url: str = Field(default="https://api.datacite.org")
    datacite_repository: str | None = Field(default=None)
    datacite_password: SecretStr | None = Field(default=None)
    datacite_prefix: str | None = Field(default=None, pattern=r"^10\.\d{4,9}$")
    datacite_state: Literal["draft", "registered", "findable"] = Field(default="draft")
    downloads_limit_bytes: int = Field(default=200_000_000_000, gt=0)
    downloads_kept_days: int = Field(default=365, gt=0)
    downloads_waiting: int = Field(default=200, gt=0)
    public_url: str | None = Field(default=None, pattern=r"^https?://[A-Za-z0-9.-]{1,253}(:\d{1,5})?/?$")
    trusted_proxies: Networks = Field(default=())
    rate_limit: int | None = Field(default=None, ge=0, le=10_000_000)
    metrics_token: SecretStr | None = Field(default=None, min_length=16)
    login_limit: int = Field(default=20, ge=0, le=10_000)
    password_memory_mib: int = Field(default=64, ge=8, le=1024)
    documentation: Literal["public", "accounts"] = Field(default="public")
    query_timeout_s: float = Field(default=10.0, gt=0)
    exact_socket: Path | None = Field(default=None)
    consent: Literal["required", "not_required"] | None = Field(default=None)
    survey_review: Literal["required", "not_required"] | None = Field(default=None)
    survey_unreviewed: Names = Field(default=())

    @property
    def gazetteer_file(self) -> Path | None:
        """The installation's own seats, middles and institutions, `gazetteer.csv` in its folder; None without one."""
        own = self.data / "gazetteer.csv"
        return own if own.exists() else None
