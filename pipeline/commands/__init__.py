"""The commands, one module each: they read options and print; the work is done elsewhere."""
