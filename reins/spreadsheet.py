"""Cells of a table for a spreadsheet, which takes some texts for formulas."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def cell(value: object) -> object:
    """A text that a spreadsheet would take for a formula is made a text by its first sign."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
