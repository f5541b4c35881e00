"""The run's media folder: a file is named after its content, written once, and there complete or not at all."""

import os
from hashlib import sha256

PIECE_BYTES = 1 << 20
NAME_CHARACTERS = 32  # 128 bits of SHA-256: no two contents of a run share them by chance


def keep_content(content, extension):
    """Keep bytes; give back the file's path below the run directory, or None without `swanlab run`.

    Raises: OSError.
    """
    folder = _folder()
    if folder is None:
        return None
    name = "%s.%s" % (sha256(content).hexdigest()[:NAME_CHARACTERS], extension)
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        with _Unfinished(folder) as file:
            file.write(content)
            file.finish(path)
    return "media/" + name


def keep_file(source, extension):
    """Keep a copy of a file; give back the copy's path as `keep_content` does, and its size in bytes.

    Raises: OSError.
    """
    folder = _folder()
    with open(source, "rb") as original:
        if folder is None:
            return None, os.fstat(original.fileno()).st_size
        with _Unfinished(folder) as copy:
            name, size = sha256(), 0
            for piece in iter(lambda: original.read(PIECE_BYTES), b""):
                name.update(piece)  # of what is copied: a file that is still growing must not belie its name
                copy.write(piece)
                size += len(piece)
            name = "%s.%s" % (name.hexdigest()[:NAME_CHARACTERS], extension)
            copy.finish(os.path.join(folder, name))
    return "media/" + name, size


def _folder():
    """Give back the media folder, made where it is missing, or None where nothing is recorded."""
    from .. import _run  # the package that imports us

    if not _run.dir:
        return None
    folder = os.path.join(_run.dir, "media")
    try:
        os.mkdir(folder)  # not the run directory: where that is gone, it stays so
    except FileExistsError:
        pass
    return folder


class _Unfinished:
    """A file under a temporary name of this thread's own, gone again unless it is finished."""

    def __init__(self, folder):
        from binascii import hexlify

        self._path = os.path.join(folder, ".%d-%s" % (os.getpid(), hexlify(os.urandom(8)).decode("ascii")))
        self._file = None

    def __enter__(self):
        self._file = open(self._path, "xb")
        self.write = self._file.write
        return self

    def finish(self, path):
        """Give the file its name, which may be taken by one of the same content."""
        self._file.close()
        os.rename(self._path, path)

    def __exit__(self, *_error):
        self._file.close()
        try:
            os.unlink(self._path)
        except FileNotFoundError:
            pass  # it was finished
