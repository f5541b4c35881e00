"""`sync_wandb` and its like: what a script logs to another tracker is recorded here as well.

Each patches the other library when it is called, once however often it is called. The library's own functions then
get the same arguments and give back the same as before; what fails on our side is reported and does not reach them.
No mirror ends the run: the script's end does that, and a script may open many runs or writers, one after the other
or side by side.
"""

import functools
import inspect
import os
from _collections_abc import Mapping
from importlib import import_module

import swanlab

from .joining import harmless, joined
from .values import number

MARK = "swanlab_mirror"


def sync_wandb(mode=None, wandb_run=True, workspace=None, log_dir=None, **_others):
    """Record what is logged with wandb: numbers, images, configuration; `wandb_run=False` keeps wandb offline."""
    wandb = import_module("wandb")
    run_class = import_module("wandb.sdk.wandb_run").Run
    config_class = import_module("wandb.sdk.wandb_config").Config
    labels = _Labels()

    @harmless
    def on_init(given):
        names = {"project": "project", "name": "name", "notes": "notes", "tags": "tags", "group": "group"}
        names["job_type"] = "job_type"
        run = joined({ours: given.get(theirs) for ours, theirs in names.items()})
        run.config.update(given.get("config"))

    @harmless
    def on_log(given):
        data = given.get("data")
        if isinstance(data, Mapping):
            run = given["self"]
            found = _recordable(data, wandb.Image)
            _record(found, given.get("step"), labels.of(run.id, run.name or run.id))

    @harmless
    def on_config_update(given):
        joined({}).config.update(given.get("d"))

    @harmless
    def on_config_item(given):
        joined({}).config[given["key"]] = given["val"]

    _observe(wandb, "init", on_init)
    _observe(run_class, "log", on_log)
    _observe(config_class, "update", on_config_update)
    for method in ("__setitem__", "__setattr__"):  # one function under two names
        if list(inspect.signature(getattr(config_class, method)).parameters) == ["self", "key", "val"]:
            _observe(config_class, method, on_config_item)
    if not wandb_run:
        wandb.init = _offline(wandb.init)


def sync_tensorboardX(types=None):  # noqa: N802 - SwanLab's name
    """Record what is written with tensorboardX; `types` are those of "scalar", "scalars", "image", "text" to record."""
    _sync_tensorboard(import_module("tensorboardX").SummaryWriter, types)


def sync_tensorboard_torch(types=None):
    """Record what is written with torch.utils.tensorboard; `types` as for `sync_tensorboardX`."""
    _sync_tensorboard(import_module("torch.utils.tensorboard").SummaryWriter, types)


def sync_mlflow(mode=None, **_others):
    """Record the metrics and parameters that are logged with mlflow's functions."""
    mlflow = import_module("mlflow")
    labels = _Labels()
    given_project = {}

    def prefix():
        active = mlflow.active_run()
        return labels.of(active.info.run_id, active.info.run_name or active.info.run_id) if active else ""

    @harmless
    def on_set_experiment(given):
        given_project["project"] = given.get("experiment_name")

    @harmless
    def on_start_run(given):
        run = joined(dict(given_project, name=given.get("run_name")))
        facts = {"mlflow_run_name": given.get("run_name"), "mlflow_tags": given.get("tags")}
        run.config.update({key: value for key, value in facts.items() if value})

    @harmless
    def on_log_param(given):
        joined(given_project).config.update({prefix() + str(given["key"]): given["value"]})

    @harmless
    def on_log_params(given):
        start = prefix()
        joined(given_project).config.update({start + str(key): value for key, value in given["params"].items()})

    @harmless
    def on_log_metric(given):
        _record({given["key"]: given["value"]}, given.get("step"), prefix(), given_project)

    @harmless
    def on_log_metrics(given):
        _record(given["metrics"], given.get("step"), prefix(), given_project)

    observers = (on_set_experiment, on_start_run, on_log_param, on_log_params, on_log_metric, on_log_metrics)
    for observer in observers:
        _observe(mlflow, observer.__name__[len("on_") :], observer)


class _Labels:
    """What the metrics of another tracker's runs begin with: nothing for the first, whose steps the others repeat."""

    def __init__(self):
        self._known = {}

    def of(self, identity, label):
        if identity not in self._known:
            start = "%s/" % label
            taken = start in self._known.values()
            self._known[identity] = "" if not self._known else "%s/" % identity if taken else start
        return self._known[identity]


def _observe(owner, name, observer):
    """Have `observer` called with a dict of the arguments before each call of `owner.name`."""
    original = getattr(owner, name)
    if hasattr(original, MARK):
        return
    signature = inspect.signature(original)

    @functools.wraps(original)
    def observed(*args, **kwargs):
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError:  # the original is about to say so
            pass
        else:
            observer(given)
        return original(*args, **kwargs)

    setattr(observed, MARK, True)
    setattr(owner, name, observed)


def _offline(init):
    @functools.wraps(init)
    def offline(*args, **kwargs):
        kwargs["mode"] = "offline"
        return init(*args, **kwargs)

    return offline


def _record(data, step, prefix="", given=None):
    if data:
        joined(given or {}).log({prefix + str(key): value for key, value in data.items()}, step)


def _recordable(data, image_class):
    """Give back what of a `wandb.log` call can be recorded: numbers, dicts of them, and images as ours."""
    found = {}
    for key, value in data.items():
        first = value[0] if isinstance(value, (list, tuple)) and value else value
        if isinstance(value, Mapping):
            found[key] = _recordable(value, image_class)
        elif isinstance(first, image_class):
            pictures = [value] if first is value else value
            found[key] = [swanlab.Image(picture.image, caption=getattr(picture, "_caption", None)) for picture in pictures]
        else:
            try:
                found[key] = number(value)
            except Exception:  # what float() of a histogram, a table or a text raises is theirs; it is no number, and passed over
                pass
    return found


def _sync_tensorboard(writer_class, types):
    labels = _Labels()

    def record(given, data):
        writer = given["self"]
        directory = str(getattr(writer, "log_dir", None) or getattr(writer, "logdir", None))
        step = given.get("global_step")
        _record(data, step, labels.of(directory, os.path.basename(directory.rstrip("/"))))

    @harmless
    def on_init(given):
        directory = given.get("log_dir") or given.get("logdir")
        run = joined({})
        if directory:
            run.config.update({"tensorboard_logdir": str(directory)})

    @harmless
    def on_add_scalar(given):
        record(given, {given["tag"]: given["scalar_value"]})

    @harmless
    def on_add_scalars(given):
        record(given, {"%s/%s" % (given["main_tag"], key): value for key, value in given["tag_scalar_dict"].items()})

    @harmless
    def on_add_image(given):
        record(given, {given["tag"]: _pictures(given["img_tensor"], given.get("dataformats") or "CHW")})

    @harmless
    def on_add_text(given):
        record(given, {given["tag"]: swanlab.Text(str(given["text_string"]))})

    _observe(writer_class, "__init__", on_init)
    for type, observer in (
        ("scalar", on_add_scalar),
        ("scalars", on_add_scalars),
        ("image", on_add_image),
        ("text", on_add_text),
    ):
        if types is None or type in types:
            _observe(writer_class, "add_" + type, observer)


def _pictures(pixels, layout):
    """Give back `swanlab.Image`s of an array or tensor whose axes are named by the letters of `layout`."""
    for method in ("detach", "cpu", "numpy"):
        pixels = getattr(pixels, method)() if hasattr(pixels, method) else pixels
    layout = layout.upper()
    wanted = [axis for axis in "NHWC" if axis in layout]
    pixels = pixels.transpose([layout.index(axis) for axis in wanted])
    return [swanlab.Image(picture) for picture in (pixels if "N" in layout else [pixels])]
