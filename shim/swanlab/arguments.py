"""The arguments of `init`: what each of SwanLab's names for them is called in the inbox, as text."""

import json

from .configuration import plain, text_of


def arguments_given(project, experiment_name, description, group, tags, others):
    """Give back those arguments that were given and say something about the run: text, and a list of it for `tags`."""
    named = {
        "project": project,
        "name": others.get("name") or experiment_name,
        "notes": others.get("notes") or description,
        "group": group,
        "job_type": others.get("job_type"),
    }
    given = {name: text_of(value) for name, value in named.items() if value is not None}
    if tags is not None:
        given["tags"] = _tags(tags)
    return given


def _tags(tags):
    """Give back a list of text from a list of anything, or from text: a JSON array, or tags with commas between."""
    if isinstance(tags, str):
        try:
            found = json.loads(tags)
        except ValueError:
            found = None
        tags = found if isinstance(found, list) else [tag.strip() for tag in tags.split(",") if tag.strip()]
    found = plain(tags)
    return [str(tag) for tag in found] if isinstance(found, list) else [str(found)]
