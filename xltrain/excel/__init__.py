"""Books and cells, and nothing about training."""
