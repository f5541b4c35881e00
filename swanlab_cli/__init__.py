"""swanlab-cli: an experiment tracker in front of any command. The version lives here and nowhere else."""

__version__ = "0.1.0"
