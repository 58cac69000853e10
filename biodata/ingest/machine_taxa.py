"""What a machine's label names: a taxon with its rank, an animal of no known kind, or something that is left out.

Labels of SpeciesNet: `uuid;class;order;family;genus;species;common name`, https://github.com/google/cameratrapai; descriptions of
classes in MegaDetector's results begin with the kingdom, https://lila.science/megadetector-output-format. A common name alone names
no species.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from biodata.ingest.camera_traps import words

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_WORD: Final = re.compile(r"[a-z]+(-[a-z]+)*")
_ABOVE: Final = ("class", "order", "family", "genus")
_KINGDOM: Final = "animalia"


@dataclass(frozen=True, slots=True)
class MachineTaxon:
    """What a label names.

    Attributes
    ----------
    name, rank : str or None
        Scientific name and rank; None where it is left out.
    common : str or None
        The common name that it gives.
    above : dict of str to str
        Class, order, family and genus, as far as it tells them.
    left_out : str or None
        The code of why it is left out.
    """

    name: str | None
    rank: str | None
    common: str | None = None
    above: dict[str, str] = field(default_factory=dict)
    left_out: str | None = None


ANIMAL: Final = MachineTaxon("Animalia", "kingdom")
"""An animal, of which the machine says no more."""


def of_label(label: str) -> MachineTaxon:
    """Return what a label names.

    Parameters
    ----------
    label : str
        A SpeciesNet prediction, a description of a class, or a plain word.
    """
    parts = [part.strip() for part in label.split(";")]
    if len(parts) == 7 and _UUID.fullmatch(parts[0]):
        return _of_ranks(parts[1:5], parts[5], parts[6])
    if len(parts) >= 6 and parts[0].lower() == _KINGDOM:
        *above, last = parts[2:]
        species = last.split(" ", 1)[1] if last.count(" ") == 1 else last
        return _of_ranks([*above, "", "", ""][:4], species if len(above) == 4 else "", "")
    return _of_word(label)


def _of_ranks(above: list[str], species: str, common: str) -> MachineTaxon:
    """Return what ranks name, the lowest first; what is no plain word is not told."""
    told = {rank: value.lower() for rank, value in zip(_ABOVE, above, strict=True) if _WORD.fullmatch(value.lower())}
    spelt = {rank: value.capitalize() for rank, value in told.items()}
    if told.get("genus") == "homo" or (told.get("family") == "hominidae" and "genus" not in told):
        return MachineTaxon(None, None, common or None, left_out="PERSON_LEFT_OUT")
    by_word = _left_out(common)
    if by_word is not None:
        return MachineTaxon(None, None, common, left_out=by_word)
    if "genus" in told and _WORD.fullmatch(species.lower()):
        return MachineTaxon(f"{spelt['genus']} {species.lower()}", "species", common or None, spelt)
    for rank in reversed(_ABOVE):
        if rank in told:
            return MachineTaxon(spelt[rank], rank, common or None, spelt)
    return _of_word(common) if common else MachineTaxon(None, None, left_out="UNCLASSIFIED_LEFT_OUT")


def _of_word(word: str) -> MachineTaxon:
    """Return what a plain word names: at most an animal."""
    code = _left_out(word)
    if code is not None:
        return MachineTaxon(None, None, word, left_out=code)
    if not word.strip():
        return MachineTaxon(None, None, left_out="UNCLASSIFIED_LEFT_OUT")
    return MachineTaxon(ANIMAL.name, ANIMAL.rank, None if word.strip().lower() == "animal" else word.strip())


def _left_out(word: str) -> str | None:
    """Return why a word's picture is left out; None for one that may name an animal."""
    plain = re.sub(r"[\s_\-]+", " ", word.strip().lower())
    if plain.startswith(("homo ", "human ", "person ", "people ")):
        return "PERSON_LEFT_OUT"
    return words().get(plain)
