"""Notice to bytes; what a sink may be told. Who carries the bytes is in `service.delivery`."""
