"""Tests on a real Slurm, which this folder brings up."""
