"""The flash sale server: `flash-sale serve`."""
