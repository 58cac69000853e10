import io
import unicodedata

import pytest

from biodata.core.errors import InputError
from biodata.formats.encodings import choose, known, sample_of
from case_tables import cases

CUC_PHUONG = "Vườn quốc gia Cúc Phương,Nguyễn Văn Hùng,Đắk Lắk"


def windows_1258(text: str) -> bytes:
    """Windows-1258 as Vietnamese programs write it: the tone after the vowel."""
    tones = "\u0300\u0301\u0303\u0309\u0323"
    result = b""
    for letter in text:
        parts = unicodedata.normalize("NFD", letter)
        base = unicodedata.normalize("NFC", "".join(part for part in parts if part not in tones))
        result += base.encode("cp1258") + "".join(part for part in parts if part in tones).encode("cp1258")
    return result


@pytest.mark.parametrize(("text", "encoding"), cases("encodings", "test_text_of_the_region_is_decoded_right"))
def test_text_of_the_region_is_decoded_right(text, encoding):
    found = choose(f"locality\n{text}\n".encode(encoding), file="records.csv")
    assert text in f"locality\n{text}\n".encode(encoding).decode(found)


@pytest.mark.parametrize("text", [CUC_PHUONG, "Việt Nam"], ids=["Cúc Phương", "one name"])
def test_vietnamese_in_windows_1258(text):
    data = windows_1258(text)
    assert unicodedata.normalize("NFC", data.decode(choose(data, file="records.csv"))) == text


def test_a_file_of_the_region_with_names_that_were_broken_before(shared):
    data = (shared / "data/occ_bovidae_gbif_raw/Gbif_raw_allBov.csv").read_bytes()
    encoding = choose(sample_of(io.BytesIO(data)), file="Gbif_raw_allBov.csv")
    text = data.decode(encoding)
    assert encoding == "mac_roman"
    assert "Musée" in text
    assert "Léandri-Breton" in text
    assert "NadÃ¨ge" in text  # broken before it was saved on a Mac: as it came


def test_mixed_text_is_taken_for_what_most_of_it_is():
    lines = [f"{number},Nguyễn Văn {number},Cúc Phương" for number in range(50)]
    data = "\n".join(lines).encode() + "\n51,云南省,勐腊\n".encode("gb18030")
    assert choose(data, file="mixed.csv") == "utf-8"


@pytest.mark.parametrize(("mark", "encoding"), [
    (b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"),
], ids=["UTF-8", "UTF-16 little-endian", "UTF-16 big-endian"])  # fmt: skip
def test_a_byte_order_mark_decides_also_against_what_was_declared(mark, encoding):
    assert choose(mark + "id,国家\n".encode(encoding), declared="cp1252", file="records.csv") == encoding


@pytest.mark.parametrize(
    ("encoding", "found"), [("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be"), ("ascii", "utf-8")]
)
def test_utf_16_without_a_mark_and_ascii(encoding, found):
    assert choose("id,locality\n1,Nam Ha\n".encode(encoding), file="records.csv") == found


@pytest.mark.parametrize(("declared", "encoding"), [
    ("UTF8", "utf-8"), ("ISO-8859-1", "iso8859-1"), (" windows-874 ", "cp874"), ("x-mac-roman", "mac-roman"),
    ("macintosh", "mac-roman"), ("TIS-620", "tis-620"), ("GBK", "gbk"),
])  # fmt: skip
def test_declared_names_of_encodings(declared, encoding):
    assert known(declared, file="records.csv").replace("_", "-") == encoding


@pytest.mark.parametrize("declared", ["ebcdic-klingon", "utf-7", "rot13", "zip", "base64", "", "a\x00b", "idna"])
def test_an_encoding_that_is_not_known_is_refused(declared):
    with pytest.raises(InputError, match="is not known") as caught:
        known(declared, file="records.csv")
    assert caught.value.code == "INPUT_ENCODING_UNKNOWN"
    assert caught.value.file == "records.csv"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [
    b"PK\x03\x04 and so on", b"\x89PNG\r\n\x1a\n", b"%PDF-1.7", b"\x1f\x8b\x08\x00", bytes(range(32)) * 9,
], ids=["zip", "picture", "PDF", "gzip", "control characters"])  # fmt: skip
def test_what_is_no_text_is_refused(data):
    with pytest.raises(InputError, match="not a table of text") as caught:
        choose(data, file="records.csv")
    assert caught.value.code == "INPUT_NOT_TEXT"


@pytest.mark.parametrize("block_bytes", [7, 50, 1_000, 1 << 20])
def test_the_sample_finds_letters_late_in_a_file(block_bytes):
    data = b"id,locality\n" + b"1,Nam Ha\n" * 500 + "2,forêt de Vihéar à Préah\n".encode("mac_roman")
    assert choose(sample_of(io.BytesIO(data), block_bytes=block_bytes), file="records.csv") == "mac_roman"


def test_the_sample_of_a_long_file_is_bounded():
    data = "1,forêt\n".encode("cp1252") * 100_000
    assert len(sample_of(io.BytesIO(data), block_bytes=4_000, enough_bytes=10_000)) < 20_000
