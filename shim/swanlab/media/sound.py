"""Sound: files as they are, arrays as WAV."""

from .arrays import array_of, finite
from .item import MediaItem, bytes_of, extension_of, path_of

EXTENSIONS = ("wav", "mp3", "flac", "ogg", "oga", "opus", "m4a", "aac", "weba")
_MOST_CHANNELS = 8
_SIGNATURES = ((b"RIFF", "wav"), (b"fLaC", "flac"), (b"OggS", "ogg"), (b"ID3", "mp3"), (b"\xff\xfb", "mp3"))


class Audio(MediaItem):
    """Sound: the path, bytes or open file of one, or an array or tensor of (frames), (channels, frames) or (frames, channels).

    Floats are taken as -1 to 1, integers as their type's full range. `sample_rate` in Hz is for arrays.
    """

    type = "audio"

    def __init__(self, data_or_path, sample_rate=44100, caption=None, **_ignored):
        super().__init__(data_or_path, caption, sample_rate=sample_rate)

    def _take(self, data, sample_rate):
        path, content = path_of(data), bytes_of(data)
        if path is not None:
            extension = extension_of(path)
            if extension not in EXTENSIONS:
                raise ValueError("%r is no sound file; accepted are %s" % (path, ", ".join(EXTENSIONS)))
            self._keep_file(path, extension)
        elif content is not None:
            extension = next((name for head, name in _SIGNATURES if content.startswith(head)), None)
            if extension is None:
                raise ValueError("these bytes are no sound file; accepted are wav, flac, ogg, mp3")
            self._keep(content, extension)
        else:
            array = array_of(data)
            if array is None:
                raise TypeError("sound of type %s cannot be used; accepted are paths, bytes, arrays" % type(data).__name__)
            frames = _frames_of(array)
            self._keep(_wave_of(frames, int(sample_rate)), "wav", sample_rate=int(sample_rate), frames=len(frames))


def _frames_of(array):
    """Give back an array as (frames, channels)."""
    if array.ndim == 1 and array.size:
        return array[:, None]
    if array.ndim == 2 and array.size:
        if array.shape[0] <= min(_MOST_CHANNELS, array.shape[1]):
            return array.T
        if array.shape[1] <= _MOST_CHANNELS:
            return array
    accepted = "(frames), (channels, frames), (frames, channels) with %d channels at most" % _MOST_CHANNELS
    raise ValueError("an array of shape %s is no sound; accepted are %s" % (tuple(array.shape), accepted))


def _wave_of(frames, sample_rate):
    """Give back the WAV file of (frames, channels)."""
    import wave
    from io import BytesIO

    samples = _samples_of(frames)
    written = BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(samples.dtype.itemsize)
        file.setframerate(sample_rate)
        file.writeframes(samples.astype(samples.dtype.newbyteorder("<")).tobytes())
    return written.getvalue()


def _samples_of(frames):
    """Give back samples as WAV has them: uint8, int16 or int32."""
    if frames.dtype.name in ("uint8", "int16", "int32"):  # in either order of bytes
        return frames
    if frames.dtype.kind == "f":
        return (finite(frames).clip(-1, 1) * 32767).round().astype("int16")
    raise TypeError("samples of %s cannot be used; accepted are floats, uint8, int16, int32" % frames.dtype)
