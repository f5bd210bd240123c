"""Evidences, weights, severity and the notice; pure."""
