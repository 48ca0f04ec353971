"""From a manifest to batches: the table, its splits, the loader and the augmentation."""
