"""One record of one product to an EndpointEvent or an Observation; one file per product."""
