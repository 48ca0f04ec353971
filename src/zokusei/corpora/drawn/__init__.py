"""The drawn corpus: anime characters from code, with labels true by construction."""
