"""Published detection histories, and what other programs tell of them."""

from typing import NamedTuple

import numpy as np


class Published(NamedTuple):
    """A detection history, sites apart by spaces, and what a program tells of the model with constant ψ and p."""

    sites: str
    minus_two_log_likelihood: float
    psi: float
    psi_se: float
    p: float
    p_se: float
    digits: int


PUBLISHED = {
    # MARK: mark001.out of Salamander; MacKenzie et al. 2006, Occupancy Estimation and Modeling.
    "salamanders": Published(
        "00011 01000 01000 11110 00100 00100 00100 00100 00100 10000 00111 00111 10011 10110 00010 00010 00001 00001 "
        + "00000 " * 21, 161.75859, 0.5946226, 0.1225985, 0.2587291, 0.0577019, 6,
    ),
    # PRESENCE: Salamander-missing, 15 visits of these taken away.
    "salamanders, visits missing": Published(
        "00011 0--00 0--00 1--10 0--00 00-00 0010- 00100 00100 10000 00111 00111 10-11 10110 0000- 00000 00000 00000 00000 "
        "00000 00-00 00000 00000 00000 00000 000-0 00000 00000 00000 00000 00000 0000- 00000 00000 00000 00010 00010 00001 00001",
        132.3210, 0.4570, 0.1110, 0.2897, 0.0688, 4,
    ),
    # PRESENCE: Weta, of the Mahoenui reserve; 3 to 5 visits of 72 sites.
    "giant weta, 3 to 5 visits": Published(
        "0000- 0000- 0001- 0000- 0000- 0000- 0000- 0000- 0000- 1100- 00-10 01-00 01-01 00-00 10-11 -00-1 -00-0 -01-0 -00-0 "
        "000-0 0-0-0 0-0-0 1-0-0 0-0-0 0-0-0 000-- 000-- 010-- 000-- 0000- 0000- 0000- 0000- 00001 00000 00000 01100 -0-00 "
        "-1-00 -0000 -1101 -0001 --001 --111 --001 --001 --101 0000- 1010- 1000- 1000- 0001- 0001- 0000- 0000- 0000- 1001- "
        "00-00 01-10 11-11 10-11 00-01 -00-0 -00-0 -10-1 -00-0 -10-1 1-0-1 1-0-0 0-0-0 0-0-0 0-0-1",
        261.7872, 0.6166, 0.0885, 0.3494, 0.0537, 4,
    ),
    # PRESENCE: BrookTrout, 77 streams.
    "brook trout": Published(
        "000 100 000 000 000 010 000 011 100 000 000 000 000 000 000 111 000 011 000 011 000 011 000 000 000 011 000 000 100 "
        "000 000 000 000 111 110 110 000 000 000 011 111 001 110 000 000 001 000 000 000 000 000 000 111 101 000 110 000 101 "
        "001 101 101 000 100 000 000 000 101 001 000 010 000 000 001 101 000 000 101",
        228.788558, 0.4626, 0.0659, 0.533454, 0.061678, 4,
    ),
    # MARK: mark001.out of BlueGrossBeaks, 41 fields.
    "blue grosbeak": Published(
        "111 110 000 010 101 001 001 111 110 111 110 000 000 001 111 001 001 000 011 000 100 010 100 111 111 011 001 010 110 "
        "011 000 111 100 110 000 000 010 011 111 101 010",
        168.18975, 0.8847997, 0.0765908, 0.5513167, 0.0598772, 5,
    ),
}  # fmt: skip


def history(text):
    return np.array([[np.nan if one == "-" else float(one) for one in site] for site in text.split()])
