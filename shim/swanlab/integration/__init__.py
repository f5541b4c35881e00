"""Callbacks and loggers for frameworks, one module each, with the SDK's names. A module imports its framework."""
