"""Where 0.7 kept its callbacks' base class."""

from ..callbacks import SwanKitCallback

__all__ = ["SwanKitCallback"]
