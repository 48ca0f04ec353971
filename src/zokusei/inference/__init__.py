"""From a checkpoint to tags and to figures."""
