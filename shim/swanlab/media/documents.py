"""Text, web pages and charts."""

from ..redaction import redacted
from .item import MediaItem, bytes_of, path_of

_INLINE_BYTES = 16384


class Text(MediaItem):
    """Text, Markdown for instance; anything but text is kept as `str()` shows it. What is short is in the record itself."""

    type = "text"

    def __init__(self, content, caption=None, **_ignored):
        super().__init__(content, caption)

    def _take(self, data):
        text = redacted(data if isinstance(data, str) else str(data))
        content = text.encode("utf-8", "replace")
        if len(content) <= _INLINE_BYTES:
            self.details = {"text": content.decode("utf-8")}
        else:
            self._keep(content, "txt")


class Html(MediaItem):
    """A web page or a piece of one: its text, the path of a file that ends in .html or .htm, or an open file."""

    type = "html"

    def __init__(self, data, caption=None, **_ignored):
        super().__init__(data, caption)

    def _take(self, data):
        path = path_of(data)
        if path is not None and (not isinstance(data, str) or path.lower().endswith((".html", ".htm"))):
            self._keep_file(path, "html")
        elif isinstance(data, str):
            self._keep(redacted(data).encode("utf-8", "replace"), "html")
        elif bytes_of(data) is not None:
            self._keep(bytes_of(data), "html")
        else:
            raise TypeError("a page of type %s cannot be used; accepted are text, paths, files" % type(data).__name__)


class ECharts(MediaItem):
    """A chart or table: what has `dump_options()`, as those of pyecharts and of `swanlab.echarts` have, or a dict of options."""

    type = "echarts"

    def __init__(self, chart, caption=None, **_ignored):
        super().__init__(chart, caption)

    def _take(self, data):
        if hasattr(data, "dump_options"):
            options = data.dump_options()
        elif isinstance(data, dict):
            from json import dumps

            options = dumps(data)
        else:
            raise TypeError("a chart of type %s cannot be used; accepted is what has dump_options()" % type(data).__name__)
        self._keep(redacted(options).encode("utf-8", "replace"), "json")
