"""`autolog` for OpenAI's client: what is asked, what is answered, the tokens and the time of each completion are recorded.

After `autolog(init={"project": "chats"})` that is so for `autolog.client.chat.completions.create(model=..., messages=...)`.
"""

from functools import reduce, wraps
from importlib import import_module
from time import perf_counter

import swanlab

from ..joining import harmless, joined

__all__ = ["autolog"]


class Autolog:
    """Patches methods of one client, `symbols`, dotted; calling it enables, `disable()` puts the methods back."""

    def __init__(self, library, client_class, symbols):
        self._library = library
        self._client_class = client_class
        self._symbols = symbols
        self._client = None
        self._originals = {}

    @property
    def client(self):
        """The library's client, made when it is first asked for: it takes its key and address from the environment."""
        if self._client is None:
            self._client = getattr(import_module(self._library), self._client_class)()
        return self._client

    def __call__(self, init=None):
        """Record from now on; `init` is a dict of arguments for `swanlab.init`."""
        self.enable(init)

    def enable(self, init=None):
        """Record from now on; see `__call__`."""
        if not self._originals:
            joined(dict(init or {}))
            for symbol in self._symbols:
                owner, method = self._found(symbol)
                self._originals[symbol] = getattr(owner, method)
                setattr(owner, method, _recording(self._originals[symbol]))

    def disable(self):
        """Leave the client as it was."""
        for symbol, original in self._originals.items():
            owner, method = self._found(symbol)
            setattr(owner, method, original)
        self._originals.clear()

    def _found(self, symbol):
        """Give back the object and the name of the method that a symbol stands for."""
        names = symbol.split(".")
        return reduce(getattr, names[:-1], self.client), names[-1]


def _recording(original):
    @wraps(original)
    def create(*args, **kwargs):
        began = perf_counter()
        response = original(*args, **kwargs)
        _record(kwargs, response, perf_counter() - began)
        return response

    return create


@harmless
def _record(request, response, elapsed):
    if not hasattr(response, "choices"):  # a stream: its pieces are the caller's
        return
    asked = str(request.get("messages", request.get("prompt")))
    told = {"request": asked, "request_id": response.id, "model": response.model, "elapsed_time": elapsed}
    found = {"usage/elapsed_time": elapsed}
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        count = getattr(response.usage, name, None)
        if count is not None:
            found["usage/" + name] = told[name] = count
    answers = [getattr(choice, "text", None) or choice.message.content or "" for choice in response.choices]
    texts = [swanlab.Text(asked, caption="request")] + [swanlab.Text(answer, caption="response") for answer in answers]
    found.update(result=texts, stats=swanlab.Text(str(dict(told, response=answers)), caption="result_row_dict"))
    joined({}).log(found)


autolog = Autolog("openai", "OpenAI", ("chat.completions.create", "completions.create"))
