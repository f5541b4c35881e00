"""One run from start to end: the order of things, deriving points from what was captured, reading a run back as a whole."""
