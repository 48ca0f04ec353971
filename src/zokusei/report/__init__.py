"""The report of a run: one HTML file that shows what the tagger does and where it is weak."""

from zokusei.report.page import write_report

__all__ = ["write_report"]
