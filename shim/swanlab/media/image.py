"""Images: files as they are, and what PIL, NumPy, torch and matplotlib hold, as PNG."""

from io import BytesIO

from ..messages import say
from .arrays import array_of
from .item import MediaItem, bytes_of, is_of, path_of
from .pixels import pixels_of, png_of

FILE_TYPES = ("png", "jpg", "jpeg", "bmp", "gif", "webp")
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpg"),
    (b"GIF8", "gif"),
    (b"BM", "bmp"),
)
_HEAD_BYTES = 12


class Image(MediaItem):
    """An image: a path, bytes or open file of one, a PIL image, an array or tensor, a matplotlib figure, another `Image`.

    Arrays are (height, width), (height, width, channels) or, as torch has them, (channels, height, width), with 1, 3 or 4
    channels. Floats within 0 to 1 are taken as such, others as 0 to 255. `mode` is one of PIL's; `file_type` is png, jpg or
    bmp; `size` is the longer side or (width, height): the three need Pillow.
    """

    type = "image"

    def __init__(self, data_or_path, mode=None, caption=None, file_type=None, size=None, **_ignored):
        super().__init__(data_or_path, caption, mode=mode, file_type=file_type, size=size)

    def _take(self, data, mode, file_type, size):
        file_type = _file_type(file_type)
        content, path = self._content_of(data)
        if mode is not None or size is not None or file_type is not None:
            pillow = _pillow()
            if pillow is not None:
                picture = pillow.open(path if content is None else BytesIO(content))
                picture = picture if mode is None else picture.convert(mode)
                picture = picture if size is None else picture.resize(_fitting(size, picture.size))
                self._keep(_saved(picture, file_type or "png"), file_type or "png")
                return
        if content is None:
            with open(path, "rb") as file:
                self._keep_file(path, _type_of(file.read(_HEAD_BYTES)))
        else:
            self._keep(content, _type_of(content[:_HEAD_BYTES]))

    def _content_of(self, data):
        """Give back (the bytes of an image file, None), or (None, its path) for one on disk."""
        path = path_of(data)
        if path is not None:
            return None, path
        if is_of(data, "PIL"):
            return _saved(data, "png"), None
        if hasattr(data, "savefig"):
            drawn = BytesIO()
            data.savefig(drawn, format="png")
            return drawn.getvalue(), None
        content = bytes_of(data)
        if content is not None:
            return content, None
        array = array_of(data)
        if array is None:
            accepted = "paths, bytes, PIL images, arrays, tensors and matplotlib figures"
            raise TypeError("an image of type %s cannot be used; accepted are %s" % (type(data).__name__, accepted))
        return png_of(pixels_of(array, is_of(data, "torch"))), None


def _saved(picture, file_type):
    """Give back a PIL image as the bytes of a file."""
    modes = ("L", "RGB") if file_type in ("jpg", "jpeg") else ("1", "L", "LA", "P", "RGB", "RGBA", "I", "I;16")
    saved = BytesIO()
    picture = picture if picture.mode in modes else picture.convert("RGB")
    picture.save(saved, format="JPEG" if file_type == "jpg" else file_type.upper())
    return saved.getvalue()


def _file_type(name):
    if name is None:
        return None
    name = str(name).lower().lstrip(".")
    if name not in FILE_TYPES:
        raise ValueError("file_type %r cannot be used; accepted are %s" % (name, ", ".join(FILE_TYPES)))
    return name


def _type_of(head):
    """Give back the extension that the first bytes of an image stand for; raises ValueError where they are of none."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    raise ValueError("this is no image file; accepted are %s" % ", ".join(FILE_TYPES))


def _pillow():
    """Give back Pillow's module for images, or None, said, where it is not installed."""
    try:
        import PIL.Image
    except ImportError:
        say("an image's mode, size and file_type need Pillow (pip install pillow); it is kept as it is")
        return None
    return PIL.Image


def _fitting(size, present):
    """Give back (width, height) for a `size` that is the longer side or both, None for what is free; never 0."""
    if isinstance(size, (list, tuple)) and len(size) == 2:
        wanted = [size[side] or present[side] for side in (0, 1)]
    else:
        longest = size[0] if isinstance(size, (list, tuple)) else size
        if longest is None or max(present) <= longest:
            return present
        wanted = [side * longest / max(present) for side in present]
    return tuple(max(1, round(side)) for side in wanted)
