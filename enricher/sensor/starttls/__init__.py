"""TLS that starts later: behind a dialogue in the clear which asks for it, or behind a proxy.

One file per family of protocols; a file is found by its presence and offers `PROTOCOLS`, id to protocol. A protocol
only says how each side's bytes are cut into units, and after which unit TLS may begin; looking for it is `_dialogue`'s.
"""

from enricher.sensor.starttls._dialogue import Dialogue

__all__ = ["Dialogue"]
