"""The arguments of `init`: what each of SwanLab's names for them is called in the inbox, as text."""

from .configuration import plain, settings_of, text_of


def arguments_given(values):
    """Give back those arguments that were given and say something about the run: text, and a list of it for `tags`."""
    names = ("project", "name", "notes", "group", "job_type")
    given = {name: text_of(values[name]) for name in names if values.get(name) is not None}
    if values.get("tags") is not None:
        given["tags"] = _tags(values["tags"])
    return given


def with_loaded(path, given, report):
    """Give back arguments with those of a JSON or YAML file where they are None, under any of their names."""
    loaded = settings_of(path, report)
    names = dict.fromkeys(given, ())
    names.update(name=("experiment_name",), notes=("description",))
    for name, others in names.items():
        if given[name] is None:
            given[name] = next((loaded[other] for other in (name,) + others if loaded.get(other) is not None), None)
    return given


def _tags(tags):
    """Give back a list of text from a list of anything, or from text: a JSON array, or tags with commas between."""
    if isinstance(tags, str):
        import json  # see encoding.py

        try:
            found = json.loads(tags)
        except ValueError:
            found = None
        tags = found if isinstance(found, list) else [tag.strip() for tag in tags.split(",") if tag.strip()]
    found = plain(tags)
    return [str(tag) for tag in found] if isinstance(found, list) else [str(found)]
