"""Tests of BDQ Core on occurrences: identifier, status, sex, type status, how the organism came to be there."""

from typing import Final

import polars as pl

from biodata.quality.controlled import standard, standardised
from biodata.quality.model import Answer, Arguments, Test
from biodata.quality.vocabulary import Vocabulary

_DEFAULT_STATUS: Final = "defaultOccurrenceStatus"
_ESTABLISHMENT_MEANS: Final = "Establishment Means Controlled Vocabulary List of Terms"
_DEGREE: Final = "Degree of Establishment Controlled Vocabulary List of Terms"
_PATHWAY: Final = "Pathway Controlled Vocabulary List of Terms"


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
    Test(
        "VALIDATION_OCCURRENCEID_NOTEMPTY",
        "c486546c-e6e5-48a7-b286-eba7f5ca56c4",
        ("occurrenceID",),
        "Is there an identifier of the occurrence?",
        lambda arguments: Answer(arguments.filled("occurrenceID")),
    ),
    Test(
        "VALIDATION_OCCURRENCESTATUS_NOTEMPTY",
        "eb4a17f6-6bea-4cdd-93dd-d5a7e9d1eccf",
        ("occurrenceStatus",),
        "Is it told whether the species was present?",
        lambda arguments: Answer(arguments.filled("occurrenceStatus")),
    ),
    standard(
        "occurrenceStatus",
        Vocabulary.OCCURRENCE_STATUS,
        "VALIDATION_OCCURRENCESTATUS_STANDARD",
        "7af25f1e-a4e2-4ff4-b161-d1f25a5c3e47",
        "Regex present/absent",
    ),
    standardised(
        "occurrenceStatus",
        Vocabulary.OCCURRENCE_STATUS,
        "AMENDMENT_OCCURRENCESTATUS_STANDARDIZED",
        "f8f3a093-042c-47a3-971a-a482aaaf3b75",
        "Regex present/absent",
    ),
    Test(
        "AMENDMENT_OCCURRENCESTATUS_ASSUMEDDEFAULT",
        "96667a0a-ae59-446a-bbb0-b7f2b0ca6cf5",
        ("occurrenceStatus",),
        "What can be assumed where nothing tells of presence or number?",
        _assumed_status,
        consulted=("individualCount", "organismQuantity"),
        parameters={_DEFAULT_STATUS: "present"},
    ),
    Test(
        "ISSUE_ESTABLISHMENTMEANS_NOTEMPTY",
        "acc8dff2-d8d1-483a-946d-65a02a452700",
        ("establishmentMeans",),
        "Is it told how the organism came to be there?",
        lambda arguments: Answer(arguments.filled("establishmentMeans")),
    ),
    standard(
        "establishmentMeans",
        Vocabulary.ESTABLISHMENT_MEANS,
        "VALIDATION_ESTABLISHMENTMEANS_STANDARD",
        "4eb48fdf-7299-4d63-9d08-246902e2857f",
        _ESTABLISHMENT_MEANS,
    ),
    standardised(
        "establishmentMeans",
        Vocabulary.ESTABLISHMENT_MEANS,
        "AMENDMENT_ESTABLISHMENTMEANS_STANDARDIZED",
        "15d15927-7a22-43f8-88d6-298f5eb45c4c",
        _ESTABLISHMENT_MEANS,
    ),
    standard(
        "degreeOfEstablishment",
        Vocabulary.DEGREE_OF_ESTABLISHMENT,
        "VALIDATION_DEGREEOFESTABLISHMENT_STANDARD",
        "060e7734-607d-4737-8b2c-bfa17788bf1a",
        _DEGREE,
    ),
    standardised(
        "degreeOfEstablishment",
        Vocabulary.DEGREE_OF_ESTABLISHMENT,
        "AMENDMENT_DEGREEOFESTABLISHMENT_STANDARDIZED",
        "74ef1034-e289-4596-b5b0-cde73796697d",
        _DEGREE,
    ),
    standard(
        "pathway",
        Vocabulary.PATHWAY,
        "VALIDATION_PATHWAY_STANDARD",
        "5424e933-bee7-4125-839e-d8743ea69f93",
        _PATHWAY,
    ),
    standardised(
        "pathway",
        Vocabulary.PATHWAY,
        "AMENDMENT_PATHWAY_STANDARDIZED",
        "f9205977-f145-44f5-8cb9-e3e2e35ce908",
        _PATHWAY,
    ),
    standard(
        "sex",
        Vocabulary.SEX,
        "VALIDATION_SEX_STANDARD",
        "88d8598b-3318-483d-9475-a5acf9887404",
        "GBIF Sex Vocabulary",
    ),
    standardised(
        "sex",
        Vocabulary.SEX,
        "AMENDMENT_SEX_STANDARDIZED",
        "33c45ae1-e2db-462a-a59e-7169bb01c5d6",
        "GBIF Sex Vocabulary",
    ),
    standard(
        "typeStatus",
        Vocabulary.TYPE_STATUS,
        "VALIDATION_TYPESTATUS_STANDARD",
        "4833a522-12eb-4fe0-b4cf-7f7a337a6048",
        "GBIF TypeStatus Vocabulary",
    ),
    standardised(
        "typeStatus",
        Vocabulary.TYPE_STATUS,
        "AMENDMENT_TYPESTATUS_STANDARDIZED",
        "b3471c65-b53e-453b-8282-abfa27bf1805",
        "GBIF TypeStatus Vocabulary",
    ),
)
"""The tests on occurrences."""
