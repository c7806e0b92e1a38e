"""`newsalign stream`: arrival without end, committed window by window."""
