import io
import random
import stat
import struct
import tarfile
import zipfile
import zlib
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biodata.core.errors import InputError
from biodata.formats.archives import ArchiveLimits, open_archive, read_document
from zips import zip_of

MEMBERS = {"occurrence.txt": b"id\n1\n", "meta.xml": b"<archive/>", "dataset/a.xml": b"<eml/>"}


def packed(members, *, method=zipfile.ZIP_DEFLATED):
    return zip_of(members, method)


def saved(tmp_path, data, name="records.zip"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


def refused(path, **choices):
    with pytest.raises(InputError) as caught:
        open_archive(path, **choices)
    assert "\n" not in str(caught.value)
    assert caught.value.file == path.name
    return caught.value


def patched_directory(data: bytes, offset: int, value: bytes) -> bytes:
    """Return a zip with other bytes in the first entry of its central directory."""
    at = data.index(b"PK\x01\x02") + offset
    return data[:at] + value + data[at + len(value) :]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
@pytest.mark.parametrize("root", ["", "download/"], ids=["flat", "one folder around all"])
def test_members_are_read_whole(tmp_path, method, root):
    members = [(root + name, data * 50_000) for name, data in MEMBERS.items()]
    data = packed([*members, ("__MACOSX/._x", b"x"), (".DS_Store", b"x")], method=method)
    archive = open_archive(saved(tmp_path, data))
    assert dict(archive.sizes) == {name: len(data) * 50_000 for name, data in MEMBERS.items()}
    for name, data in MEMBERS.items():
        with archive.open(name) as stream:
            assert stream.read() == data * 50_000
    assert list(tmp_path.iterdir()) == [tmp_path / "records.zip"]


def unpacked(folder, members):
    for name, data in members:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def test_a_folder_is_read_like_the_zip_it_came_from(tmp_path):
    unpacked(tmp_path / "download", MEMBERS.items())
    archive = open_archive(tmp_path)
    assert {name: read_document(archive, name) for name in archive.sizes} == MEMBERS


def test_texts_for_people_and_folders_around_everything_are_no_matter(tmp_path):
    beside = [("README.txt", b"x"), ("survey/LICENSE", b"x"), ("survey/2026/letter.docx", b"x")]
    members = [(f"survey/2026/{name}", data) for name, data in MEMBERS.items()]
    told = open_archive(saved(tmp_path, packed([*beside, *members])))
    for archive in (told, open_archive(unpacked(tmp_path / "unpacked", [*beside, *members]))):
        assert {name: read_document(archive, name) for name in archive.sizes} == MEMBERS


def test_a_zip64_archive_is_read(tmp_path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, archive.open("occurrence.txt", "w", force_zip64=True) as member:
        member.write(b"id\n1\n")
    assert read_document(open_archive(saved(tmp_path, out.getvalue())), "occurrence.txt") == b"id\n1\n"


@pytest.mark.parametrize("name", [
    "../../evil.txt", "a/../../evil.txt", "/etc/cron.d/evil", "C:\\evil.txt", "C:/evil.txt", "a\\..\\evil.txt",
    "\\\\server\\share", "new\nline.txt",
])  # fmt: skip
def test_a_path_that_leads_out_of_the_archive_is_refused_and_nothing_is_written(tmp_path, name):
    path = saved(tmp_path, packed([("meta.xml", b"x"), (name, b"evil")]))
    assert refused(path).code == "ARCHIVE_UNSAFE"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_are_refused(tmp_path, kind):
    info = zipfile.ZipInfo("occurrence.txt")
    info.external_attr = (kind | 0o777) << 16
    assert "link or a device" in str(refused(saved(tmp_path, packed([(info, b"/etc/passwd")]))))


def test_a_link_in_a_folder_is_refused(tmp_path):
    folder = tmp_path / "archive"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "occurrence.txt").symlink_to(tmp_path / "secret.txt")
    assert "link or a device" in str(refused(folder))


def twice():
    with pytest.warns(UserWarning, match="Duplicate name"):
        return packed([("occurrence.txt", b"1"), ("occurrence.txt", b"2")])


@pytest.mark.parametrize(("made", "told"), [
    pytest.param(twice, "stands twice", id="a member that stands twice"),
    pytest.param(lambda: patched_directory(packed([("occurrence.txt", b"1")]), 8, b"\x01\x00"), "is encrypted",
                 id="an encrypted member"),
    pytest.param(lambda: packed([("a.txt", b"1")], method=zipfile.ZIP_LZMA), "method 14", id="an unusual packing"),
    *[pytest.param(lambda name=name: packed([(name, packed([("a", b"1")]))]), "archive inside", id=name)
      for name in ("inner.zip", "inner.tar.gz", "INNER.7Z")],
])  # fmt: skip
def test_what_no_archive_of_data_needs_is_refused(tmp_path, made, told):
    assert told in str(refused(saved(tmp_path, made())))


def test_a_bomb_is_refused_from_its_list_alone(tmp_path):
    error = refused(saved(tmp_path, packed([("occurrence.txt", b"\0" * 20_000_000)])))
    assert error.code == "ARCHIVE_TOO_LARGE"
    assert "20,000,000" in str(error)


def test_small_text_may_be_packed_well(tmp_path):
    archive = open_archive(saved(tmp_path, packed([("occurrence.txt", b"1\n" * 1_000_000)])))
    with archive.open("occurrence.txt") as stream:
        assert len(stream.read()) == 2_000_000


@pytest.mark.parametrize(("count", "content", "limits", "told"), [
    pytest.param(10, bytes(range(256)) * 4, {"total_bytes": 10_000}, "10,240", id="bytes in all"),
    pytest.param(20, b"", {"members": 10}, "", id="members"),
    pytest.param(200, b"", {"directory_bytes": 5_000}, "list of members", id="a list that is not even read"),
])  # fmt: skip
def test_too_much_of_anything_is_refused(tmp_path, count, content, limits, told):
    path = saved(tmp_path, packed([(f"{n}.txt", content) for n in range(count)]))
    error = refused(path, limits=ArchiveLimits(**limits))
    assert error.code == "ARCHIVE_TOO_LARGE"
    assert told in str(error)


def test_a_document_that_is_too_large_is_refused(tmp_path):
    archive = open_archive(saved(tmp_path, packed([("meta.xml", b"x" * 2_000)])))
    with pytest.raises(InputError, match="2,000 bytes") as caught:
        read_document(archive, "meta.xml", most=1_000)
    assert caught.value.code == "ARCHIVE_TOO_LARGE"


def read_all(path):
    archive, found = open_archive(path), {}
    for name in archive.sizes:
        with archive.open(name) as stream:
            found[name] = b"".join(iter(lambda: stream.read(1 << 16), b""))
    return found


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
@pytest.mark.parametrize("told", [0, 10, 4_999, 5_001, 100_000], ids=lambda told: f"told {told} of 5000 bytes")
def test_a_size_that_lies_stops_at_the_counted_bytes(tmp_path, method, told):
    content = bytes(range(250)) * 20
    data = packed([("occurrence.txt", content)], method=method)
    data = patched_directory(data, 24, struct.pack("<I", told))
    data = patched_directory(data, 16, struct.pack("<I", zlib.crc32(content[:told])))
    with pytest.raises(InputError) as caught:
        read_all(saved(tmp_path, data))
    assert caught.value.code == "ARCHIVE_BROKEN"


PACKED = packed([("occurrence.txt", bytes(range(256)) * 40)])


@pytest.mark.parametrize(("data", "codes", "told"), [
    pytest.param(patched_directory(packed([("occurrence.txt", b"1\n2\n")]), 16, b"\x00\x01\x02\x03"), {"ARCHIVE_BROKEN"},
                 "Bad CRC-32", id="a wrong checksum"),
    pytest.param(PACKED[:60] + b"\xff" * 10 + PACKED[70:], {"ARCHIVE_BROKEN"}, None, id="broken bytes"),
    pytest.param(packed([(f"{n}.txt", bytes(range(256)) * 4) for n in range(10)])[500:], {"ARCHIVE_BROKEN", "ARCHIVE_UNSAFE"}, None,
                 id="the beginning is missing"),
])  # fmt: skip
def test_broken_bytes_are_found_when_they_are_read(tmp_path, data, codes, told):
    with pytest.raises(InputError, match=told) as caught:
        read_all(saved(tmp_path, data))
    assert caught.value.code in codes


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_archive_is_refused(tmp_path, part):
    data = packed([(f"{n}.txt", bytes(range(256)) * 4) for n in range(10)])
    assert refused(saved(tmp_path, data[: int(len(data) * part)])).code in {"ARCHIVE_NOT_ZIP", "ARCHIVE_BROKEN"}


def test_members_that_overlap_are_refused(tmp_path):
    # Two entries of the list point at the same bytes, as in https://www.bamsoftware.com/hacks/zipbomb/
    data = packed([("a.txt", b"abc" * 100), ("b.txt", b"abc" * 100)])
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    data = data[: second + 42] + b"\x00\x00\x00\x00" + data[second + 46 :]
    assert refused(saved(tmp_path, data)).code in {"ARCHIVE_UNSAFE", "ARCHIVE_BROKEN"}


def tarred(path, members, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name) if isinstance(name, str) else name
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize(("name", "mode"), [
    ("a.tar.gz", "w:gz"), ("a.tgz", "w:gz"), ("a.tar.bz2", "w:bz2"), ("a.tar.xz", "w:xz"), ("a.tar", "w"),
])  # fmt: skip
def test_a_tar_is_read_as_a_zip_is(tmp_path, name, mode):
    members = [("folder/meta.xml", b"<archive/>"), ("folder/README.txt", b"x"), ("folder/a.txt", b"1,2\n" * 9_000)]
    path = tarred(tmp_path / name, members, mode)
    assert read_all(path) == {"meta.xml": b"<archive/>", "a.txt": b"1,2\n" * 9_000}
    assert list(tmp_path.iterdir()) == [path]


def link(kind):
    info = tarfile.TarInfo("a.txt")
    info.type, info.linkname = kind, "/etc/passwd"
    return info


@pytest.mark.parametrize("member", [
    pytest.param("../../evil.txt", id="leads out"),
    pytest.param("/etc/evil.txt", id="absolute"),
    pytest.param("a\\..\\evil.txt", id="leads out by backslashes"),
    pytest.param(link(tarfile.SYMTYPE), id="symbolic link"),
    pytest.param(link(tarfile.LNKTYPE), id="hard link"),
    pytest.param(link(tarfile.CHRTYPE), id="device"),
    pytest.param("inner.zip", id="archive inside"),
])  # fmt: skip
def test_what_no_tar_of_data_needs_is_refused_and_nothing_is_written(tmp_path, member):
    path = tarred(tmp_path / "a.tar.gz", [("meta.xml", b"<archive/>"), (member, b"")])
    assert refused(path).code == "ARCHIVE_UNSAFE"
    assert list(tmp_path.iterdir()) == [path]


def test_a_tar_that_unpacks_to_far_more_than_text_does_is_refused(tmp_path):
    path = tarred(tmp_path / "a.tar.gz", [("a.txt", bytes(30_000_000))])
    assert refused(path).code == "ARCHIVE_TOO_LARGE"


def test_a_header_of_a_tar_that_asks_for_too_much_memory_is_refused(tmp_path):
    info = tarfile.TarInfo("long")
    info.type = tarfile.GNUTYPE_LONGNAME
    path = tarred(tmp_path / "a.tar", [(info, b"n" * 2_000_000)], "w")
    assert refused(path).code == "ARCHIVE_BROKEN"


@pytest.mark.parametrize("part", [0.3, 0.9])
def test_a_tar_that_is_cut_off_is_refused(tmp_path, part):
    path = tarred(tmp_path / "a.tar.gz", [("a.txt", random.Random(1).randbytes(100_000))])
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    with pytest.raises(InputError) as caught:
        read_all(path)
    assert caught.value.code in {"ARCHIVE_BROKEN", "ARCHIVE_NOT_ZIP"}


def test_backslashes_between_folders_are_read_as_slashes(tmp_path):
    path = saved(tmp_path, packed([("a\\meta.xml", b"<archive/>"), ("\\b.txt", b"1"), ("a/c.txt", b"2")]))
    archive = open_archive(path)
    assert sorted(archive.sizes) == ["a/c.txt", "a/meta.xml", "b.txt"]
    assert archive.backslashes == 2


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x03\x04", b"id,b\n1,2\n", b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_zip_is_refused(tmp_path, data):
    assert refused(saved(tmp_path, data)).code in {"ARCHIVE_NOT_ZIP", "ARCHIVE_BROKEN", "ARCHIVE_TOO_LARGE"}


def test_an_empty_archive_is_refused(tmp_path):
    assert refused(saved(tmp_path, packed([]))).code == "INPUT_EMPTY"


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no such file") as caught:
        open_archive(tmp_path / "nowhere.zip")
    assert caught.value.code == "FILE_MISSING"


def test_the_real_archives_are_read_like_zipfile_reads_them(shared):
    count = 0
    for path in sorted((shared / "suites/dwca").rglob("*.zip")):
        archive = open_archive(path)
        with zipfile.ZipFile(path) as oracle:
            names = [name for name in oracle.namelist() if not name.endswith("/") and "__MACOSX" not in name]
            root = "" if any("/" not in name for name in names) else names[0].split("/")[0] + "/"
            assert sorted(archive.sizes) == sorted(name.removeprefix(root) for name in names)
            for name in archive.sizes:
                with archive.open(name) as stream:
                    assert stream.read() == oracle.read(root + name)
                count += 1
    assert count > 100


@settings(max_examples=40)
@given(changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=6))
def test_whatever_byte_is_changed_the_answer_is_the_content_or_one_line(tmp_path_factory, changes):
    data = bytearray(packed([("meta.xml", b"<archive/>" * 30), ("occurrence.txt", bytes(range(200)) * 3)]))
    for position, value in changes:
        data[position % len(data)] = value
    path = saved(tmp_path_factory.mktemp("changed"), bytes(data))
    with suppress(InputError):
        read_all(path)
