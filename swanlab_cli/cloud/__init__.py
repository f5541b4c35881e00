"""Everything that opens a connection. Knows nothing of run directories: it is told what to send, and where.

Imported only by processes that the command never waits for, `webhooks` apart, which connects to nothing.
"""
