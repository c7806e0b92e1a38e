"""Runs that start by themselves: when, in which process, and what is said of them."""
