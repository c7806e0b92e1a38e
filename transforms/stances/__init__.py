"""Stances: who supports or opposes whom, read from one parsed document."""
