"""Accuracy, calibration, latency, predictions, stream statistics and the summary of a run."""
