"""Tests of BDQ Core on the record as a whole and on the occurrence."""

import re
from typing import Final

import polars as pl

from biodata.quality.model import BLANKS, PARAMETER, Answer, Arguments, Context, Preparation, test
from biodata.quality.vocabulary import Vocabulary, standard, standardised
from biodata.text.controlled import parse_licence

# Tests of BDQ Core on the record as a whole: licence, type, basis of record, what was generalised, annotations.

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


def _annotated(arguments: Arguments) -> Answer:
    unavailable = arguments.unavailable("https://www.w3.org/annotation/", name=_ANNOTATION_SYSTEM)
    return Answer(arguments.any_filled(*_ANNOTATIONS), external=unavailable)


# Tests of BDQ Core on occurrences: identifier, status, sex, type status, how the organism came to be there.

_DEFAULT_STATUS: Final = "defaultOccurrenceStatus"


def _assumed_status(arguments: Arguments) -> Answer:
    # The text has a filled status never tested, its example and rows have it not amended where a number stands beside:
    # both hold if the number is looked at first.
    counted = arguments.any_filled("individualCount", "organismQuantity")
    told = arguments.filled("occurrenceStatus")
    assumed = pl.when(~counted & ~told).then(arguments.parameter(_DEFAULT_STATUS))
    return Answer(
        pl.when(counted | ~told).then(pl.lit(value=True)), proposals={"occurrenceStatus": assumed}, filled_in=True
    )


TESTS: Final = (
    test("VALIDATION_LICENSE_STANDARD", _licence_standard, _READ_LICENCE),
    test("AMENDMENT_LICENSE_STANDARDIZED", _licence_standardised, _READ_LICENCE),
    standard("VALIDATION_DCTYPE_STANDARD", Vocabulary.DC_TYPE),
    standardised("AMENDMENT_DCTYPE_STANDARDIZED", Vocabulary.DC_TYPE),
    standard("VALIDATION_BASISOFRECORD_STANDARD", Vocabulary.BASIS_OF_RECORD),
    standardised("AMENDMENT_BASISOFRECORD_STANDARDIZED", Vocabulary.BASIS_OF_RECORD),
    test("ISSUE_ANNOTATION_NOTEMPTY", _annotated),
    standard("VALIDATION_OCCURRENCESTATUS_STANDARD", Vocabulary.OCCURRENCE_STATUS),
    standardised("AMENDMENT_OCCURRENCESTATUS_STANDARDIZED", Vocabulary.OCCURRENCE_STATUS),
    test("AMENDMENT_OCCURRENCESTATUS_ASSUMEDDEFAULT", _assumed_status),
    standard("VALIDATION_ESTABLISHMENTMEANS_STANDARD", Vocabulary.ESTABLISHMENT_MEANS),
    standardised("AMENDMENT_ESTABLISHMENTMEANS_STANDARDIZED", Vocabulary.ESTABLISHMENT_MEANS),
    standard("VALIDATION_DEGREEOFESTABLISHMENT_STANDARD", Vocabulary.DEGREE_OF_ESTABLISHMENT),
    standardised("AMENDMENT_DEGREEOFESTABLISHMENT_STANDARDIZED", Vocabulary.DEGREE_OF_ESTABLISHMENT),
    standard("VALIDATION_PATHWAY_STANDARD", Vocabulary.PATHWAY),
    standardised("AMENDMENT_PATHWAY_STANDARDIZED", Vocabulary.PATHWAY),
    standard("VALIDATION_SEX_STANDARD", Vocabulary.SEX),
    standardised("AMENDMENT_SEX_STANDARDIZED", Vocabulary.SEX),
    standard("VALIDATION_TYPESTATUS_STANDARD", Vocabulary.TYPE_STATUS),
    standardised("AMENDMENT_TYPESTATUS_STANDARDIZED", Vocabulary.TYPE_STATUS),
)
"""The tests on records and occurrences."""
