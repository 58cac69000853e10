"""Reports as PDF: text that can be read out, the numbers attached; a clear word where a library is missing.

WeasyPrint calls Debian's Pango, so the layout itself is tested in the tier that installs it.
"""

import io
import json
import logging
import os
import sys

import pypdf
import pytest

from biodata.core.errors import MissingExtraError
from biodata.exports.reports import pdf
from report_material import NAMES, told


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory):
    try:
        path = tmp_path_factory.mktemp("pdf") / "report.pdf"
        logging.getLogger("weasyprint").setLevel(logging.ERROR)
        pdf.write(told(areas=[area | {"original_name": NAMES["th"]} for area in told().areas]), path)
    except (MissingExtraError, pdf.PdfLibraryError) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    return pypdf.PdfReader(io.BytesIO(path.read_bytes()))


@pytest.mark.clients
def test_the_text_can_be_read_out_in_its_order(written):
    text = " ".join(page.extract_text() for page in written.pages)
    text = " ".join(text.split())
    for words in ("In short", "Evidence on each side", "Criteria", "What is unknown", "Citation"):
        assert words in text
    assert text.index("In short") < text.index("Hard criteria") < text.index("Citation")
    assert NAMES["th"] in text


@pytest.mark.clients
def test_the_numbers_are_attached_and_pages_are_a4(written):
    card = json.loads(written.attachments["card.json"][0])
    assert card["feature"]["id"] == "run-1-candidate-1"
    found = {tuple(round(float(side) * 25.4 / 72) for side in page.mediabox[2:]) for page in written.pages}
    assert found == {(210, 297)}
    assert written.trailer["/Root"]["/Lang"] == "en"
    assert "/StructTreeRoot" in written.trailer["/Root"]


def test_letters_that_no_font_has_are_told():
    boxes = pdf._Boxes()
    told = logging.LogRecord(
        "weasyprint", logging.WARNING, "", 0, '.notdef glyph rendered … "%s" (U+%04X)', ("西", 0x897F), None
    )
    other = logging.LogRecord("weasyprint", logging.WARNING, "", 0, "Ignored %s", ("x",), None)
    for record in (told, told, other):
        boxes.handle(record)
    assert list(boxes.letters) == ["西"]


@pytest.mark.clients
def test_a_letter_that_no_font_has_is_heard_of_where_it_is_drawn(tmp_path):
    vithkuqi = chr(0x10570)  # a script of 2021, which hardly any font has
    try:
        boxes = pdf.write(told(row=told().row | {"name": f"Nam Ha {vithkuqi}"}), tmp_path / "r.pdf")
    except (MissingExtraError, pdf.PdfLibraryError) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    assert vithkuqi in boxes
    assert "N" not in boxes


def test_without_weasyprint_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(MissingExtraError, match=r"biodata\[report\]"):
        pdf.write(told(), tmp_path / "report.pdf")
    assert list(tmp_path.iterdir()) == []


def test_without_pango_the_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path):
    class Missing:
        def find_spec(self, name, path=None, target=None):
            if name == "weasyprint":
                message = "cannot load library 'libpango-1.0-0'"
                raise OSError(message)

    monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    with pytest.raises(pdf.PdfLibraryError, match="libpango"):
        pdf.write(told(), tmp_path / "report.pdf")


def test_a_page_asks_nothing_of_the_network():
    with pytest.raises(ValueError, match="nothing from elsewhere"):
        pdf._nothing("https://example.org/a.png")
