"""When and how a stream's model is updated."""
