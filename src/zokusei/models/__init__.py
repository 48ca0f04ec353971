"""Models: images in, logits out, all built by `create_model`."""
