"""Runs made from other things than a command that we ran: saved output."""
