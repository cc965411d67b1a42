"""What a model needs once: statistics, a pre-trained generator, an export."""
