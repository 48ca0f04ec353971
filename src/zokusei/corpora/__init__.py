"""Corpora: one module per source, each of which becomes one manifest."""
