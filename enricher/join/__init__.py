"""Sessions and processes find each other; the store is the only room that knows Redis."""
