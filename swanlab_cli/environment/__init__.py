"""On what machine, with which interpreter and packages and from which git state the command runs.

Callers import `environment.facts` (in a process that ends soon) or `environment.tree` (anywhere); nothing is here.
"""
