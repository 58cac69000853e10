"""Burmese in the Zawgyi encoding, which uses Unicode's numbers for other signs: recognised, and read as Unicode.

Zawgyi stores a vowel before its consonant as it is seen, where Unicode stores it after. It has letters of Mon, Karen and Shan
for other shapes; these languages have them, too, so that only an order of signs that Unicode does not have proves it.
"""

import re
from typing import Final

from biodata.ingest.headings.plain import respelt

_IMPOSSIBLE: Final = re.compile(
    "(?:^|[^\u1000-\u109f])\u1031[\u1000-\u1021\u103b\u107e-\u1084]"  # the vowel e without a letter before it
    "|\u1031\u1031"
    "|(?:^|[^\u1000-\u109f]|\u1038)\u103b[\u1000-\u1021]"  # a medial without a letter before it
    "|\u1039(?![\u1000-\u1021\u105a-\u105d\u1075-\u1081])"  # asat, where Unicode has a stack
    "|(?<=[\u1000-\u1021\u102b-\u103e])[\u1094\u1095]"  # the dot below; in Unicode digits of Shan
    "|[\u107e\u107f\u1080\u1082-\u1084][\u1000-\u1021](?!\u103a)"  # ra drawn around its letter
    "|[\u1000-\u1021][\u1060-\u1063\u1065-\u1068\u106c\u106d\u1070-\u107c\u1085\u1093\u1096]"  # stacked letters
    "(?![\u103a\u1060-\u109f\u102b-\u1032])"
)
_ORDER: Final = "\u103b\u103c\u103d\u103e\u1031\u102d\u102e\u1032\u102f\u1030\u102b\u102c\u1036\u103a\u1037\u1038"


def looks_like(text: str) -> bool:
    """Tell whether a text is Burmese in Zawgyi: its signs stand in an order that Unicode does not have."""
    return _IMPOSSIBLE.search(text) is not None


def to_unicode(text: str) -> str:
    """Return a Zawgyi text in Unicode, the signs behind each letter in Unicode's order."""
    text = respelt(text, "heading_zawgyi.csv")
    return re.sub(f"[{_ORDER}]{{2,}}", lambda run: "".join(sorted(run[0], key=_ORDER.index)), text)
