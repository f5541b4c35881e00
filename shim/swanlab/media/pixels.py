"""From arrays to pixels to PNG, with nothing but zlib."""

import zlib
from struct import pack

from ..messages import say
from .arrays import finite

_CHANNELS = (1, 2, 3, 4)
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # PNG's numbers for grey, grey and alpha, RGB, RGBA
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LEVEL = 3  # a sixth of the time of the default for a few percent more bytes


def pixels_of(array, channels_first=False):
    """Give back an array as (height, width, channels) of uint8.

    Raises: ValueError for a shape that is no image.
    """
    return _bytes_of_pixels(_arranged(array, channels_first))


def png_of(pixels):
    """Give back the PNG file of (height, width, channels) of uint8. Source: the PNG specification, second edition."""
    height, width, channels = pixels.shape
    rows = pixels.reshape(height, width * channels)
    data = b"".join(b"\0" + row.tobytes() for row in rows)  # each row begins with its filter, 0 for none
    head = pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    return _SIGNATURE + _part(b"IHDR", head) + _part(b"IDAT", zlib.compress(data, _LEVEL)) + _part(b"IEND", b"")


def _part(name, data):
    return pack(">I", len(data)) + name + data + pack(">I", zlib.crc32(name + data))


def _arranged(array, channels_first):
    shape = array.shape
    if array.ndim == 4 and shape[0] == 1:
        return _arranged(array[0], channels_first)
    if array.ndim == 2 and array.size:
        return array[:, :, None]
    if array.ndim == 3 and array.size:
        is_first, is_last = shape[0] in _CHANNELS, shape[2] in _CHANNELS
        if is_first and (channels_first or not is_last):
            return array.transpose(1, 2, 0)
        if is_last:
            return array
    accepted = "(height, width), (height, width, channels), (channels, height, width) with 1 to 4 channels"
    raise ValueError("an array of shape %s is no image; accepted are %s" % (tuple(shape), accepted))


def _bytes_of_pixels(array):
    """Give back values as uint8: truth as black and white, floats up to 1 as such, whatever exceeds 0 to 255 scaled."""
    if array.dtype == "uint8":
        return array
    if array.dtype == "bool":
        return array.astype("uint8") * 255
    values = finite(array)
    low, high = float(values.min()), float(values.max())
    if array.dtype.kind == "f" and low >= 0 and high <= 1:
        values = values * 255
    elif low < 0 or high > 255:
        say("an image with values from %g to %g: they are scaled to 0 to 255" % (low, high))
        values = (values - low) * (255 / ((high - low) or 1))
    return (values + 0.5).clip(0, 255).astype("uint8")
