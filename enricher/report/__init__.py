"""What a person reads: tables, stories, pages; pure text out."""

from enricher.report.story import story
from enricher.report.table import HEADINGS, Ledger, Row, ledger, ledger_rows, rows

__all__ = ["HEADINGS", "Ledger", "Row", "ledger", "ledger_rows", "rows", "story"]
