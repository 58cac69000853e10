"""The key of the report's map: a sample of every sign as it is drawn, with what it means."""

from typing import Final

from biodata.exports.reports.markup import Mark
from biodata.exports.reports.words import text

BORDER, BAND = "#5b4636", "#c9743f"
AREA, NEAR, CORRIDOR, SUBJECT = "#2e7d5b", "#a9cdbb", "#6a3d9a", "#8a6500"

_SUBJECT_SIGN: Final = (
    f'<rect x="2" y="2" width="22" height="12" fill="{SUBJECT}" fill-opacity="0.1" stroke="{SUBJECT}" stroke-width="2.4" '
    'stroke-dasharray="6 3"/>'
)
_AREA_SIGN: Final = f'<rect x="1" y="1" width="24" height="14" fill="{AREA}" fill-opacity="0.42" stroke="{AREA}"/>'
_NEAR_SIGN: Final = f'<rect x="1" y="1" width="24" height="14" fill="{NEAR}" fill-opacity="0.55" stroke="#7fae97"/>'
_CORRIDOR_SIGN: Final = (
    f'<rect x="1" y="1" width="24" height="14" fill="{CORRIDOR}" fill-opacity="0.38"/>'
    f'<path d="M1 8H25" stroke="{CORRIDOR}" stroke-width="2.2"/>'
    f'<circle cx="13" cy="8" r="5" fill="#ffffff" stroke="{CORRIDOR}" stroke-width="2"/>'
)
_BORDER_SIGN: Final = f'<path d="M0 8H26" stroke="{BORDER}" stroke-width="1.6" stroke-dasharray="9 3 2 3"/>'
_BAND_SIGN: Final = f'<rect y="2" width="26" height="12" fill="{BAND}" fill-opacity="0.22"/>'

_SIGNS: Final = (
    (_AREA_SIGN, "its protected areas, numbered"),
    (_NEAR_SIGN, "other protected areas"),
    (_CORRIDOR_SIGN, "corridor, its cheapest path, and a ring at its narrowest place"),
    (_BORDER_SIGN, "border"),
)


def key(*, subject: str, band: bool) -> Mark:
    """Return the key.

    Parameters
    ----------
    subject : str
        What the broken brown line goes around; nothing where the map has none.
    band : bool
        Whether the border's band is drawn.
    """
    signs = [(_SUBJECT_SIGN, subject)] if subject else []
    signs += _SIGNS
    if band:
        signs.append((_BAND_SIGN, "band along the border in which either side may be right"))
    told = "".join(
        f'<li><svg class="key" width="26" height="16" viewBox="0 0 26 16" aria-hidden="true">{sign}</svg> {text(words)}</li>'
        for sign, words in signs
    )
    return Mark(f'<ul class="key">{told}</ul>')
