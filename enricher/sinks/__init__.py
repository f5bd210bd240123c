"""Notice to bytes, one file per destination."""
