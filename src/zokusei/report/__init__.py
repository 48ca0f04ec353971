"""Reports, one HTML file each: what a tagger does and where it is weak; what a corpus holds."""

from zokusei.report.corpus import write_corpus_page
from zokusei.report.page import write_report

__all__ = ["write_corpus_page", "write_report"]
