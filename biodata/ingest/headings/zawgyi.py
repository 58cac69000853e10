"""Burmese in the Zawgyi encoding, which uses Unicode's numbers for other signs: recognised, and read as Unicode.

Zawgyi stores a vowel before its consonant as it is seen, where Unicode stores it after; and it gives shapes numbers that
Unicode has for letters of Mon, Karen and Shan. Shan and Karen texts have those letters, too, so a text is only taken for
Zawgyi where the order of its signs is impossible in Unicode.
"""

import re
from types import MappingProxyType
from typing import Final

_LETTER: Final = "\u1000-\u1021\u1023-\u1027\u1029\u102a\u103f\u104e\u106a\u106b\u106e\u106f\u1086\u1090"
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
_SHAPES: Final = MappingProxyType(
    {
        "\u106a": "\u1009", "\u106b": "\u100a", "\u1090": "\u101b", "\u1086": "\u103f", "\u1040": "\u1040",
        "\u106e": "\u100d\u1039\u100d", "\u106f": "\u100d\u1039\u100e", "\u1091": "\u100f\u1039\u100d",
        "\u1092": "\u100b\u1039\u100c", "\u1097": "\u100b\u1039\u100b", "\u108f": "\u1014",
        "\u1033": "\u102f", "\u1034": "\u1030", "\u105a": "\u102b\u103a", "\u1039": "\u103a",
        "\u103a": "\u103b", "\u107d": "\u103b", "\u103c": "\u103d", "\u103d": "\u103e", "\u1087": "\u103e",
        "\u1088": "\u103e\u102f", "\u1089": "\u103e\u1030", "\u108a": "\u103d\u103e",
        "\u1094": "\u1037", "\u1095": "\u1037", "\u108e": "\u102d\u1036",
        "\u1060": "\u1039\u1000", "\u1061": "\u1039\u1001", "\u1062": "\u1039\u1002", "\u1063": "\u1039\u1003",
        "\u1065": "\u1039\u1005", "\u1066": "\u1039\u1006", "\u1067": "\u1039\u1006", "\u1068": "\u1039\u1007",
        "\u1069": "\u1039\u1008", "\u106c": "\u1039\u100b", "\u106d": "\u1039\u100c", "\u1070": "\u1039\u100f",
        "\u1071": "\u1039\u1010", "\u1072": "\u1039\u1010", "\u1073": "\u1039\u1011", "\u1074": "\u1039\u1011",
        "\u1075": "\u1039\u1012", "\u1076": "\u1039\u1013", "\u1077": "\u1039\u1014", "\u1078": "\u1039\u1015",
        "\u1079": "\u1039\u1016", "\u107a": "\u1039\u1017", "\u107b": "\u1039\u1018", "\u1093": "\u1039\u1018",
        "\u107c": "\u1039\u1019", "\u1085": "\u1039\u101c", "\u1096": "\u1039\u1010\u103d",
    }
)  # fmt: skip
_RA: Final = "\u103b\u107e-\u1084"
_SIGNS: Final = "\u103b-\u103e"
_ORDER: Final = "\u103b\u103c\u103d\u103e\u1031\u102d\u102e\u1032\u102f\u1030\u102b\u102c\u1036\u103a\u1037\u1038"


def looks_like(text: str) -> bool:
    """Tell whether a text is Burmese in Zawgyi: its signs stand in an order that Unicode does not have."""
    return _IMPOSSIBLE.search(text) is not None


def to_unicode(text: str) -> str:
    """Return a Zawgyi text in Unicode."""
    text = re.sub("\u1064", "\u1004\u103a\u1039", text)
    # What is drawn before its letter goes behind it: ra first, then the vowel e.
    text = re.sub(f"([{_RA}])([{_LETTER}])", "\\2\ue000", text)
    text = "".join(_SHAPES.get(sign, sign) for sign in text).replace("\ue000", "\u103c")
    text = re.sub(f"\u1031((?:[\u1000-\u102a\u103f](?:\u1039[\u1000-\u102a])?)[{_SIGNS}]*)", "\\1\u1031", text)
    text = re.sub("([\u1000-\u102a\u103f])(\u1004\u103a\u1039)", "\\2\\1", text)
    return re.sub(f"[{_ORDER}]{{2,}}", lambda run: "".join(sorted(run[0], key=_place)), text)


def _place(sign: str) -> tuple[int, str]:
    """Return where a sign stands behind its letter."""
    # Asat follows a vowel that it belongs to, and a stacked letter's own asat was put in its place before.
    return (_ORDER.index(sign), sign)
