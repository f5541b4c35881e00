"""`python -m swanlab_cli` is `swanlab`."""

from .cli import main

main()
