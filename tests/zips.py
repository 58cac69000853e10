"""Zips of tests: of members in memory, and of a folder's files."""

import io
import zipfile


def zip_of(members, method=zipfile.ZIP_DEFLATED):
    """Return the bytes of a zip; members are a dictionary or pairs of a name, or a ZipInfo, and what it holds."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for member, content in members.items() if isinstance(members, dict) else members:
            archive.writestr(member, content)
    return out.getvalue()


def zip_of_folder(folder, prefix=""):
    return zip_of({f"{prefix}{file.name}": file.read_bytes() for file in sorted(folder.iterdir())})
