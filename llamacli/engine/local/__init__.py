"""Models in this process: the room of torch and transformers."""
