"""Which feeds there are and what is known of them: registry, state, discovery, OPML."""
