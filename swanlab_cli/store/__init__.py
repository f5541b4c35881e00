"""The run directory: every file name in it, creating and appending, tailing, listing, deriving state.

ARCHITECTURE.md, "The run directory", is the specification. Paths are `str`: importing pathlib would delay every child.
"""
