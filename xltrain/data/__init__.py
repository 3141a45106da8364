"""Rows with places, then arrays."""
