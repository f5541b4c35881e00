"""Masks secrets in the texts that this process records, by the rules of the `swanlab` command that started the run.

The rules are the command's own (ARCHITECTURE.md, "Secrets"): a package without imports but of the standard library, at the path
that SWANLAB_CLI_REDACT names, loaded with the first text that is recorded. Without that variable nothing is masked.
"""

import os
import sys

_PACKAGE = "_swanlab_cli_secrets"
_made = {}


def redacted(value):
    """Give back a text, or what JSON can hold, less its secrets.

    Raises: whatever is wrong with the rules; what could not be masked must not be recorded.
    """
    redactor = _redactor()
    return value if redactor is None else redactor.data(value)


def _redactor():
    told = os.environ.get("SWANLAB_CLI_REDACT")
    if not told:
        return None
    # A script may set its keys at any time, by os.environ too.
    state = told, tuple(sys.argv), hash(frozenset(os.environ.items()))
    if state not in _made:
        from json import loads

        given = loads(told)
        rules = sys.modules.get(_PACKAGE) or _load(given["rules"])
        made = rules.Redactor(rules.known_values(sys.argv, os.environ, {}), tuple(given["patterns"]))
        _made.clear()
        _made[state] = made
    return _made[state]


def _load(path):
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(_PACKAGE, path, submodule_search_locations=[os.path.dirname(path)])
    module = module_from_spec(spec)
    sys.modules[_PACKAGE] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[_PACKAGE]  # half of it must not be taken for the whole
        raise
    return module
