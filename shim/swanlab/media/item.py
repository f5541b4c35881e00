"""What all media have in common: content that is kept in the run's media folder, a caption, and the record of both."""

import os

from ..configuration import text_of
from ..messages import cause
from .files import keep_content, keep_file


class MediaItem:
    """One thing that was logged; `error` says why its content cannot be used, if so."""

    is_swanlab_media = True  # by which values.py knows them without importing this package
    type = ""

    def __init__(self, data, caption=None, **options):
        self.caption = None if caption is None else text_of(caption)
        self.error = None
        self.details = {}
        try:
            if isinstance(data, type(self)):
                self.details = dict(data.details)
                self.error = data.error
                self.caption = data.caption if caption is None else self.caption
            else:
                self._take(data, **options)
        except Exception as error:  # the value's library is foreign code, the disk may be full: the training goes on
            self.error = cause(error)

    def record(self):
        """Give back what the inbox is told of this item: `type`, `caption` where there is one, and its details."""
        record = {"type": self.type}
        if self.caption is not None:
            record["caption"] = self.caption
        record.update(self.details)
        return record

    def _take(self, data):
        """Keep the content; raises whatever is wrong with it."""
        raise NotImplementedError

    def _keep(self, content, extension, **details):
        """Keep bytes as this item's file."""
        self.details = dict(details, file=keep_content(content, extension), bytes=len(content))

    def _keep_file(self, path, extension, **details):
        """Keep a copy of a file, which may be large, as this item's file."""
        name, size = keep_file(path, extension)
        self.details = dict(details, file=name, bytes=size)

    def __repr__(self):
        return "<swanlab.%s %s>" % (type(self).__name__, self.error or self.details.get("file") or self.caption or "")


def extension_of(path):
    """Give back the extension of a file's name in lower case, without its dot; empty where it has none."""
    return os.path.splitext(path)[1][1:].lower()


def path_of(data):
    """Give back the path that a str or path object is, or None for anything else."""
    return os.fspath(data) if isinstance(data, (str, os.PathLike)) else None


def bytes_of(data):
    """Give back the bytes in bytes or in an open file, from its beginning where it can be rewound, or None for anything else."""
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    if not hasattr(data, "read"):
        return None
    if hasattr(data, "seek"):
        data.seek(0)
    content = data.read()
    return content.encode("utf-8") if isinstance(content, str) else bytes(content)


def is_of(value, library):
    """Whether a value's class, or one that it is made from, comes from this library, which is thus imported already."""
    return any(base.__module__.split(".")[0] == library for base in type(value).__mro__)
