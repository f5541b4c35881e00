"""Moving pictures: files as they are."""

from .item import MediaItem, bytes_of, extension_of, path_of

EXTENSIONS = ("gif", "mp4", "m4v", "webm", "mov", "ogv")


class Video(MediaItem):
    """A film: the path, bytes or open file of one: GIF, MP4, WebM and what else browsers show."""

    type = "video"

    def __init__(self, data_or_path, caption=None, **_ignored):
        super().__init__(data_or_path, caption)

    def _take(self, data):
        path, content = path_of(data), bytes_of(data)
        if path is not None:
            extension = extension_of(path)
            if extension not in EXTENSIONS:
                raise ValueError("%r is no film; accepted are %s" % (path, ", ".join(EXTENSIONS)))
            self._keep_file(path, extension)
        elif content is not None:
            self._keep(content, _type_of(content))
        else:
            raise TypeError("a film of type %s cannot be used; accepted are paths and bytes" % type(data).__name__)


def _type_of(content):
    """Give back the extension that the first bytes of a film stand for; raises ValueError where they are of none."""
    if content[:4] == b"GIF8":
        return "gif"
    if content[4:8] == b"ftyp":
        return "mp4"
    if content[:4] == b"\x1aE\xdf\xa3":
        return "webm"
    raise ValueError("these bytes are no film; accepted are GIF, MP4 and WebM")
