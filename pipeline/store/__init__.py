"""The Parquet store: its folders, its lock, its disk index, and a commit no kill can halve."""
