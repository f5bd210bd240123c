"""One TOML for everything; each room owns its own settings."""
