"""A forwarder for a host that only has logs: follows them and puts what can matter where a service reads it."""
