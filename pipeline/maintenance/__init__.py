"""Keeping a store healthy: compacting, pruning, coding anew, and finding what is wrong."""
