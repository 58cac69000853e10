"""The same page as PDF, laid out by WeasyPrint, the optional extra `report`; its numbers are attached as JSON."""

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from biodata.core.errors import BiodataError, MissingExtraError
from biodata.exports.reports import page
from biodata.exports.reports.material import Material


class PdfLibraryError(BiodataError):
    """A library of the system that lays out text is missing."""

    code = "PDF_LIBRARY_MISSING"


def write(material: Material, path: Path) -> str:
    """Write a report as PDF, which appears whole or not at all.

    Parameters
    ----------
    material : Material
        What it tells.
    path : Path
        The file.

    Returns
    -------
    str
        The letters that no font of this machine has, each once: they stand as boxes in the file.

    Raises
    ------
    MissingExtraError
        If WeasyPrint is not installed.
    PdfLibraryError
        If Pango, which WeasyPrint calls, is not.

    Notes
    -----
    One layout for both forms: WeasyPrint reads the page and its style for paper. It asks nothing of the network.
    """
    weasyprint = _weasyprint()
    card = weasyprint.Attachment(
        string=json.dumps(page.card(material), ensure_ascii=False, indent=1, sort_keys=True),
        name="card.json",
        description="All numbers of this report",
        relationship="Data",
    )
    part = path.with_name(f"{path.name}.part")
    document = weasyprint.HTML(string=page.page(material), base_url=None, url_fetcher=_nothing)
    boxes = _Boxes()
    logger = logging.getLogger("weasyprint")
    logger.addHandler(boxes)
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        document.write_pdf(part, attachments=[card], pdf_tags=True)
    finally:
        logger.removeHandler(boxes)
        logger.setLevel(level)
    part.replace(path)
    return "".join(boxes.letters)


def on_one_page(page_of: Callable[[int], str], numbers: Mapping[str, Any]) -> bytes:
    """Return a page as PDF on one sheet of A4, its numbers attached: with as many rows of its table as there is room for.

    Raises
    ------
    MissingExtraError, PdfLibraryError
        As `write`.
    """
    weasyprint = _weasyprint()
    fetcher = weasyprint.urls.URLFetcher(allowed_protocols=("data",))
    for rows in (30, 20, 12, 6, 0):
        document = weasyprint.HTML(string=page_of(rows), url_fetcher=fetcher).render(pdf_tags=True)
        if len(document.pages) == 1:
            break
    attachment = weasyprint.Attachment(
        string=json.dumps(numbers, ensure_ascii=False, sort_keys=True), name="results.json", relationship="Data"
    )
    return bytes(document.write_pdf(attachments=[attachment], pdf_tags=True))


class _Boxes(logging.Handler):
    """Hears which letters WeasyPrint found in no font."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.letters: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the letter of a warning about one."""
        if str(record.msg).startswith(".notdef glyph") and isinstance(record.args, tuple) and record.args:
            self.letters[str(record.args[0])] = None


def _weasyprint() -> Any:
    """Return WeasyPrint, or say what is missing."""
    try:
        import weasyprint
    except ImportError as error:
        what = "A report as PDF"
        raise MissingExtraError(what, "report") from error
    except OSError as error:
        problem = (
            "a report as PDF needs the library Pango, which is not installed: on Debian `apt-get install libpango-1.0-0 "
            "libpangoft2-1.0-0 libharfbuzz-subset0`, or write the report as .html"
        )
        raise PdfLibraryError(problem) from error
    return weasyprint


def _nothing(url: str, *_: Any, **__: Any) -> Any:
    """Refuse every address: a report has all it needs inside."""
    message = f"a report asks for nothing from elsewhere, but {url[:80]} was asked"
    raise ValueError(message)
