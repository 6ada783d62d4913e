"""Where a run executes: in a process of its own that outlives pages, browsers and the app."""
