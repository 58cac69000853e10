"""What Python's zip reader raises for a file that is damaged, by whichever part of it is damaged."""

import lzma
import zipfile
import zlib
from typing import Final

BROKEN_ZIP: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    RuntimeError,
    ValueError,
    EOFError,
    NotImplementedError,
    OverflowError,
)
"""Of the list of members, a name, a length, a checksum, the packed bytes, or a way of packing that is not known."""
