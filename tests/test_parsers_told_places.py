"""Words that tell a place are known; numbers that are none are let through."""

import pytest

from biodata.text.proposals import tells_a_place


@pytest.mark.parametrize(
    "words",
    [
        "在 21.2712, 101.4905 的相机",
        "the camera at 101.49 E / 21.27 N",
        "พิกัด ๒๑.๒๗๑, ๑๐๑.๔๙๐",
        "lat -8,6512 lon 116,3214",
        "21°16' N",
        "21度16分",
        "47N 758123 2354871",
        "47Q QB 58123 54871",
        "7PJ6+X2",
        "21.2712°N",
        "lat -8,65 lon 116,32",
    ],
)
def test_a_place_is_known(words):
    assert tells_a_place(words)


@pytest.mark.parametrize(
    "words",
    [
        "row 17: is it 12 or 21?",
        "12.50 kg and 13.75 kg",
        "1.234 hectares of 5.678",
        "2026-03-05, 10:30",
        "station NH-C2 has 30 trap-nights, 9.5 of them silent",
        "103.25 km in all",
        "It had 12,500 rows, now it has 100,000",
        "weights 12.50 kg and 70.25 kg",
        "body 35.20 cm, tail 95.25 cm",
        "turn the camera 90° 2 m higher",
        "",
    ],
)
def test_other_numbers_are_none(words):
    assert not tells_a_place(words)
