"""Reports people look at."""
