"""Prints which swanlab is imported and which version its metadata tell."""

import importlib.metadata
import importlib.util

import swanlab

print(swanlab.__file__)
print(importlib.util.find_spec("swanlab").origin)
print(importlib.metadata.version("swanlab"), swanlab.__version__)
swanlab.init(project="p", config={"a": 1})
swanlab.log({"loss": 0.5})
