import pytest

from biodata.core.errors import InputError
from biodata.text.legends import all_legends, find_legend, recognise


@pytest.mark.parametrize(("counts", "told", "legend"), [
    pytest.param({10: 9, 95: 1}, {}, "worldcover", id="mangroves are WorldCover's alone"),
    pytest.param({10: 5, 20: 3, 30: 2}, {}, None, id="WorldCover or ESA CCI"),
    pytest.param({10: 5, 20: 3, 30: 2}, {"cell_m": 10}, "worldcover", id="cells of 10 m"),
    pytest.param({10: 5, 20: 3, 30: 2}, {"cell_m": 309}, "esa_cci", id="cells of 300 m"),
    pytest.param({11: 3, 62: 4, 210: 1}, {}, "esa_cci", id="classes of the second level"),
    pytest.param({1: 4, 2: 4}, {"file": "CLCD_v01_2020_albert.tif"}, "clcd", id="the file's name"),
    pytest.param({1: 4, 2: 4}, {}, None, id="CLCD or IGBP"),
    pytest.param({0: 5, 1: 2, 16: 3}, {}, "igbp", id="IGBP with water as 0"),
    pytest.param({1: 50, 2: 40, 12: 20, 18: 3}, {}, "igbp", id="IGBP with a class of our own"),
    pytest.param({77: 10}, {}, None, id="none"),
    pytest.param({77: 10, 1: 1}, {"told": "clcd"}, "clcd", id="a person tells it"),
    pytest.param({1: 10, 16: 1}, {"told": "none"}, None, id="a person tells that there is none"),
])  # fmt: skip
def test_a_legend_is_told_only_where_one_alone_fits(counts, told, legend):
    found = recognise(counts, **told)
    assert (None if found.legend is None else found.legend.name) == legend
    if legend is None and "told" not in told:
        assert "--option legend=" in found.note


def test_values_outside_are_counted():
    assert dict(recognise({1: 50, 12: 20, 18: 3, 19: 4}).outside) == {18: 3, 19: 4}
    assert dict(recognise({10: 50, 95: 2, 0: 7}).outside) == {}


def test_every_legend_is_whole():
    sizes = {name: len(legend.classes) for name, legend in all_legends().items()}
    assert sizes == {"worldcover": 11, "igbp": 18, "clcd": 9, "esa_cci": 37}
    assert all(legend.empty for legend in all_legends().values())


def test_a_legend_goes_by_several_names():
    assert find_legend("ESA-CCI").name == "esa_cci"
    assert find_legend("MCD12Q1").name == "igbp"
    with pytest.raises(InputError, match="no such legend; one of worldcover, igbp, clcd, esa_cci"):
        find_legend("corine")
