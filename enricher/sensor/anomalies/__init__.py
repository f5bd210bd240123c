"""Judges an Observation: what about it is abnormal, and by which fact.

One function per anomaly id, one file per family; a file is found by its presence and offers `RULES`, id to function.
A function knows only the Observation, so the embedded sensor's and Zeek's records are judged alike.
"""

from enricher.sensor.anomalies._judge import RULES, judge, rules

__all__ = ["RULES", "judge", "rules"]
