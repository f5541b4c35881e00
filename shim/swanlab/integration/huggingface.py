"""The name under which older SDKs had `swanlab.integration.transformers`."""

from .transformers import SwanLabCallback

__all__ = ["SwanLabCallback"]
