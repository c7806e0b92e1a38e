"""The Beam steps and the plain functions beneath them; nothing here imports `pipeline`."""
