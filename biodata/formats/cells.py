"""A cell of a spreadsheet as text."""

from datetime import date, datetime, time, timedelta


def cell_text(cell: object) -> str | None:
    """Return a cell as text: a whole number without a point, a date as ISO 8601; None for an empty one."""
    match cell:
        case None | "":
            return None
        case bool():
            return "TRUE" if cell else "FALSE"
        case float() if cell.is_integer() and abs(cell) < 2**53:
            return str(int(cell))
        case datetime():
            return cell.date().isoformat() if cell.time() == time() else cell.isoformat()
        case date() | time():
            return cell.isoformat()
        case timedelta():
            return str(cell)
        case _:
            return str(cell)
