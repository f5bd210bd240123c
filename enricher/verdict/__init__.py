"""Evidences, weights, severity and the notice; pure.

`parse_weights` and `parse_programs` read what the service hands in (`weights.toml` and `known_programs.toml` of this
package, and the user's tables); `judge` weighs one session; `notices` tells what is worth telling; `ledger_row` books
the rest too.
"""

from enricher.verdict.identity import notice_id
from enricher.verdict.notice import ledger_row, notices
from enricher.verdict.programs import parse_programs
from enricher.verdict.settings import Programs, VerdictOptions, VerdictSettings, Weights
from enricher.verdict.verdict import judge
from enricher.verdict.weights import parse_weights

__all__ = [
    "Programs",
    "VerdictOptions",
    "VerdictSettings",
    "Weights",
    "judge",
    "ledger_row",
    "notice_id",
    "notices",
    "parse_programs",
    "parse_weights",
]
