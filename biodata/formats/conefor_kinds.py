"""What Conefor's connection files can hold; apart, so that the command line can tell it without loading more."""

from enum import StrEnum


class Kind(StrEnum):
    """What the numbers of a connection file are."""

    DISTANCE = "distance"
    PROBABILITY = "probability"
    LINK = "link"


class Layout(StrEnum):
    """How a connection file is laid out."""

    LIST = "list"
    MATRIX = "matrix"
