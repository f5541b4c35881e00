"""The child on its side ptys: start it, copy its output, share its signals, stops and window sizes, take over its end.

Knows nothing of runs or files: what is to be recorded goes to a function that the caller passes in.
"""
