"""Tests of BDQ Core on the record as a whole: licence, type, basis of record, what was generalised, annotations."""

import re
from typing import Final

import polars as pl

from biodata.quality.controlled import standard, standardised
from biodata.quality.model import PARAMETER, Answer, Arguments, Context, Preparation, Test
from biodata.quality.numbers import BLANKS
from biodata.quality.vocabulary import Vocabulary
from biodata.text.controlled import parse_licence

_LANGUAGES: Final = (
    "id|eu|da|de|en|es|fr|fy|hr|it|lv|lt|mi|ni|no|pl|pt|ro|si|fi|sv|tr|cs|el|ru|uk|ar|jp|zh-hans|zh-hant|ko"
)
LICENCE: Final = (
    r"\A(?:https?://creativecommons\.org/licenses/(?:by|by-sa|by-nc|by-nc-sa|by-nd|by-nc-nd)/4\.0/"
    r"|https?://creativecommons\.org/publicdomain/zero/1\.0/)"
    rf"(?:(?:deed|legalcode)(?:\.(?:{_LANGUAGES}))?)?\z"
)
"""The addresses of the Creative Commons licences 4.0 and of CC0, after the standard's regular expression."""

_ADDRESS: Final = re.compile(LICENCE.replace(r"\z", r"\Z"))
_CC_BY: Final = re.compile(r"by(?:-(?:nc-sa|nc-nd|nc|sa|nd))?")
_CC: Final = re.compile(
    r"(?:creativecommons\.org/licenses/|\bcc[\s_-]*)(?P<parts>by(?:[\s_-]+(?:nc|nd|sa)(?![a-z]))*)[\s/_v-]*4(?:[._]0)?(?!\d)(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_LONGEST: Final = 300

# The rows of the standard write the parameter's name in two ways.
_ANNOTATIONS: Final = tuple(PARAMETER + name for name in ("annotation", "annotationAlertIf", "annotationAlertif"))
_ANNOTATION_SYSTEM: Final = "annotationSystem"
_ALERT_IF: Final = "annotationAlertIf"


def _licence_of(text: str) -> str | None:
    """Return the address of the licence that a text names; None where it is not beyond doubt, as without a version."""
    bare = text.strip(BLANKS)
    if _ADDRESS.match(bare):
        return bare
    told = " ".join(text[:_LONGEST].split())
    if parse_licence(told) == "CC0_1_0" and "pddl" not in told.casefold() and not told.casefold().startswith("public"):
        return "https://creativecommons.org/publicdomain/zero/1.0/legalcode"
    match = _CC.search(told)
    if match is None or re.search(r"\d", match["rest"].replace("4.0", "")):
        return None
    parts = "-".join(re.findall(r"by|nc|nd|sa", match["parts"].casefold()))
    return f"https://creativecommons.org/licenses/{parts}/4.0/legalcode" if _CC_BY.fullmatch(parts) else None


def _make_licence(frame: pl.DataFrame, _: Context) -> pl.DataFrame:
    texts = frame["license"]
    known = texts.str.contains(LICENCE)
    meant = [
        None if text is None or is_known else _licence_of(text) for text, is_known in zip(texts, known, strict=True)
    ]
    return pl.DataFrame({"known": known, "meant": pl.Series(meant, dtype=pl.String)})


_READ_LICENCE: Final = Preparation(
    "license.read", ("license",), {"known": pl.Boolean, "meant": pl.String}, _make_licence
)
_CREATIVE_COMMONS: Final = ("https://creativecommons.org/", "Creative Commons", "Creative Commons 4.0 Licenses or CC0")


def _licence_standard(arguments: Arguments) -> Answer:
    unavailable = arguments.unavailable(*_CREATIVE_COMMONS) & arguments.filled("license")
    return Answer(_READ_LICENCE.column("known"), external=unavailable)


def _licence_standardised(arguments: Arguments) -> Answer:
    unavailable = arguments.unavailable(*_CREATIVE_COMMONS)
    return Answer(pl.lit(value=True), external=unavailable, proposals={"license": _READ_LICENCE.column("meant")})


def _filled(term: str, label: str, guid: str, asks: str) -> Test:
    """Return the test whether a term has something in it."""
    return Test(label, guid, (term,), asks, lambda arguments: Answer(arguments.filled(term)))


def _annotated(arguments: Arguments) -> Answer:
    unavailable = arguments.unavailable("https://www.w3.org/annotation/", name=_ANNOTATION_SYSTEM)
    return Answer(arguments.any_filled(*_ANNOTATIONS), external=unavailable)


TESTS: Final = (
    _filled("license", "VALIDATION_LICENSE_NOTEMPTY", "15f78619-811a-4c6f-997a-a4c7888ad849", "Is there a licence?"),
    Test(
        "VALIDATION_LICENSE_STANDARD",
        "3136236e-04b6-49ea-8b34-a65f25e3aba1",
        ("license",),
        "Is the licence the address of a Creative Commons licence 4.0 or of CC0?",
        _licence_standard,
        parameters={"sourceAuthority": "Creative Commons 4.0 Licenses or CC0"},
        preparations=(_READ_LICENCE,),
    ),
    Test(
        "AMENDMENT_LICENSE_STANDARDIZED",
        "dcbe5bd2-42a0-4aab-bb4d-8f148c6490f8",
        ("license",),
        "Which licence is meant?",
        _licence_standardised,
        parameters={"sourceAuthority": "Creative Commons"},
        preparations=(_READ_LICENCE,),
    ),
    _filled("type", "VALIDATION_DCTYPE_NOTEMPTY", "374b091a-fc90-4791-91e5-c1557c649169", "Is there a type?"),
    standard(
        "type",
        Vocabulary.DC_TYPE,
        "VALIDATION_DCTYPE_STANDARD",
        "cdaabb0d-a863-49d0-bc0f-738d771acba5",
        "DCMI Type Vocabulary",
    ),
    standardised(
        "type",
        Vocabulary.DC_TYPE,
        "AMENDMENT_DCTYPE_STANDARDIZED",
        "bd385eeb-44a2-464b-a503-7abe407ef904",
        "DCMI Type Vocabulary",
    ),
    _filled(
        "basisOfRecord",
        "VALIDATION_BASISOFRECORD_NOTEMPTY",
        "ac2b7648-d5f9-48ca-9b07-8ad5879a2536",
        "Is there a basis of record?",
    ),
    standard(
        "basisOfRecord",
        Vocabulary.BASIS_OF_RECORD,
        "VALIDATION_BASISOFRECORD_STANDARD",
        "42408a00-bf71-4892-a399-4325e2bc1fb8",
        "Darwin Core basisOfRecord",
    ),
    standardised(
        "basisOfRecord",
        Vocabulary.BASIS_OF_RECORD,
        "AMENDMENT_BASISOFRECORD_STANDARDIZED",
        "07c28ace-561a-476e-a9b9-3d5ad6e35933",
        "Darwin Core basisOfRecord",
    ),
    Test(
        "ISSUE_DATAGENERALIZATIONS_NOTEMPTY",
        "13d5a10e-188e-40fd-a22c-dbaa87b91df2",
        ("dataGeneralizations",),
        "Was the record made coarser before it was published?",
        lambda arguments: Answer(arguments.filled("dataGeneralizations")),
    ),
    Test(
        "ISSUE_ANNOTATION_NOTEMPTY",
        "fecaa8a3-bbd8-4c5a-a424-13c37c4bb7b1",
        (),
        "Has somebody annotated the record?",
        _annotated,
        consulted=("hasTarget",),
        parameters={_ANNOTATION_SYSTEM: "W3C Web Annotation", _ALERT_IF: "oa:Annotation with oa:hasTarget"},
    ),
)
"""The tests on whole records, and the one on annotations (oa:target)."""
