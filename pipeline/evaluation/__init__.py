"""Scoring the stance reader against reference data; `pipeline.evaluate` is its front."""
