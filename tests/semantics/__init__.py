"""Section 5 of the contract as a table, each row run with the shim and with the real SDK, old and new."""
