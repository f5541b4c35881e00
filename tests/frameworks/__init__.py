"""Real programs of real frameworks, unmodified, under `swanlab run`; `make test-frameworks` runs them."""
