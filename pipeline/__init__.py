"""The program: config, graph, runners, journal, store, schedule, query and the command line."""
