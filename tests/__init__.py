"""Tests: real children on real ptys, real files."""
