"""What may be logged besides numbers: images, sound, video, text, documents, charts, things in space.

An object takes over its content when it is made: whatever happens to the array or file afterwards, the run keeps what was
given. Foreign libraries are used only where a value is theirs. Nothing here raises: an object whose content cannot be used
says so when it is logged.
"""

from .documents import ECharts, Html, Text
from .image import Image
from .item import MediaItem
from .sound import Audio
from .space import Molecule, Object3D
from .video import Video

__all__ = ["Audio", "ECharts", "Html", "Image", "MediaItem", "Molecule", "Object3D", "Text", "Video"]
