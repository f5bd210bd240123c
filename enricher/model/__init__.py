"""The records that travel between rooms: frozen, typed, without behaviour that needs a clock, a file or a network."""
