"""One-time preparation of a model: statistics, a pre-trained generator, an export."""
