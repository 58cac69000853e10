"""A checklist of ChecklistBank by its dataset's key: the Catalogue of Life, or any other, whole or below a taxon.

https://api.checklistbank.org
"""

import re
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from biodata import pipeline
from biodata.errors import InputError, RemoteError
from biodata.pipeline.report import IngestReport
from biodata.pull.gbif import Account
from biodata.pull.kept import Folder
from biodata.pull.service import Service, client_for
from biodata.settings import Settings

# ChecklistBank writes GBIF's three licences without their versions.
_LICENCES: Final = MappingProxyType({"cc0": "CC0 1.0", "cc by": "CC BY 4.0", "cc by nc": "CC BY-NC 4.0"})
_WAITING: Final = frozenset({"waiting", "blocked", "running"})
_FIRST_POLL_SECONDS: Final = 5.0
_LONGEST_POLL_SECONDS: Final = 60.0


class ChecklistBank:
    """A checklist.

    Parameters
    ----------
    key : str
        The dataset's key at ChecklistBank, such as 3LR, the newest Catalogue of Life.
    taxon : str, optional
        Only what is below this name; an export of a part needs GBIF's account, as a download does.
    settings : Settings
    account : Account, optional
        From the environment where it is not given.
    progress : bool
    """

    licence: Final = "as the checklist's own metadata state, which are kept with it"

    def __init__(
        self, key: str, taxon: str | None, settings: Settings, *, account: Account | None = None, progress: bool = False
    ) -> None:
        if not re.fullmatch(r"[0-9A-Za-z-]{1,40}", key):
            problem = "this is no key of a dataset"
            raise InputError(problem, value=key, expected="such as 3LR or 2144", code="OPTION_INVALID")
        self.key, self.taxon, self.settings, self.progress = key, taxon, settings, progress
        self.account = account or Account()
        client = client_for(settings.checklistbank_url, settings, friends=["checklistbank.org"])
        self.service = Service("ChecklistBank", client)
        self.folder = Folder(settings.data, "checklist", {"dataset": key, "taxon": taxon})

    def estimate(self) -> dict[str, int]:
        """Return how many names the checklist has, and how many of them are below the taxon."""
        told = self.service.ask(f"dataset/{self.key}", "title")
        counts = {f"{told['title']} {told.get('version') or ''}".strip(): int(told.get("size") or 0)}
        if self.taxon:
            below = self.service.ask(
                f"dataset/{self.key}/nameusage/search", "total", TAXON_ID=self._root()["id"], limit=0
            )
            counts[f"below {self.taxon}"] = int(below["total"])
        return counts

    def pull(self) -> list[IngestReport]:
        """Fetch the checklist and take it in; nothing where it is as it was. A run that was cut off goes on.

        Raises
        ------
        InputError
            If a part is asked for without an account (ACCOUNT_MISSING), or the taxon is not one of it (TAXON_UNKNOWN).
        RemoteError
            If the service refuses or fails.
        """
        told = self.service.ask(f"dataset/{self.key}", "title")
        facts = {name: told.get(name) for name in ("title", "version", "citation", "doi")}
        facts["license"] = _LICENCES.get(str(told.get("license") or "").lower())
        url = self._exported() if self.taxon else f"dataset/{self.key}/export.zip?extended=true&format=DWCA"
        if not self.folder.take(self.service.client, url, "checklist.zip", progress=self.progress, **facts):
            return []
        options = {name: str(facts[name]) for name in ("title", "citation", "doi", "version", "license") if facts[name]}
        with self.folder.taking("checklist.zip") as file:
            reports = pipeline.ingest(
                "checklist", [file], self.settings, dataset=f"checklistbank-{self.key}", options=options
            )
        self.folder.save(job=None)
        return reports

    def _root(self) -> dict[str, Any]:
        """Return the usage that the taxon is in the checklist."""
        answer = self.service.ask(f"dataset/{self.key}/match/nameusage", "match", q=self.taxon)
        usage = answer.get("usage") or {}
        if not answer["match"] or answer.get("type", "exact").lower() != "exact" or "id" not in usage:
            names = [
                str(one.get("label") or one.get("name")) for one in [usage, *(answer.get("alternatives") or [])] if one
            ]
            problem = "the checklist has no taxon of exactly this name"
            expected = f"one of {'; '.join(names[:6])}" if names else "a name as the checklist has it"
            raise InputError(problem, column="--taxon", value=self.taxon, expected=expected, code="TAXON_UNKNOWN")
        return dict(usage)

    def _exported(self) -> str:
        """Order an export of the part unless one is on its way, wait for it, and return its address."""
        job = self.folder.load().get("job")
        if job is None:
            if not self.account.complete:
                problem = "a part of a checklist is exported for an account of GBIF alone"
                expected = "GBIF_USER, GBIF_PWD and GBIF_EMAIL in the environment; without --taxon the whole is fetched without one"
                raise InputError(problem, expected=expected, code="ACCOUNT_MISSING")
            body = {"format": "DWCA", "synonyms": True, "extended": True, "root": {"id": self._root()["id"]}}
            credentials = self.account.user, self.account.pwd.get_secret_value()
            job = self.service.client.post(f"dataset/{self.key}/export", body, account=credentials).strip('"')
            if not re.fullmatch(r"[0-9a-fA-F-]{36}", job):
                msg = f"ChecklistBank answered {job[:60]!r} in the place of an export's key"
                raise RemoteError(msg)
            self.folder.save(job=job, ordered=datetime.now(UTC).isoformat(timespec="seconds"))
        pause = _FIRST_POLL_SECONDS
        while (told := self.service.ask(f"export/{job}", "status"))["status"] in _WAITING:
            self.service.client.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_POLL_SECONDS)
        if told["status"] != "finished" or not told.get("download"):
            self.folder.save(job=None)
            msg = f"ChecklistBank's export {job} is {told['status']}: {told.get('error') or 'no reason told'}; the next run orders anew"
            raise RemoteError(msg)
        return str(told["download"])
