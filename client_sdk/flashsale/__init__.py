"""Flash Sale: the SDK."""
