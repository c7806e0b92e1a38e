"""Training data and training of the learned stance reader."""
