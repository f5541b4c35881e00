"""What the callbacks for transformers and for PaddleNLP, whose trainers descend from it, share."""

import os
from _collections_abc import Mapping

from ..joining import Participant, harmless

SINGLE_VALUES = frozenset(
    ("train_runtime", "train_samples_per_second", "train_steps_per_second", "train_loss", "total_flos")
)


def rewrite_logs(logs):
    """Give back a trainer's metrics under names with a section: `eval/`, `test/`, and `train/` for all others."""
    found = {}
    for key, value in logs.items():
        section, _, rest = key.partition("_")
        found[section + "/" + rest if section in ("eval", "test") and rest else "train/" + key] = value
    return found


class TrainerParticipant(Participant):
    """Records what a trainer logs; every hook is one of its TrainerCallback.

    Points of the main process only. The parameters are those of `swanlab.init`; they count where nothing else has
    called it. `log_config=False` leaves out the configuration of trainer and model.
    """

    def __init__(
        self,
        project=None,
        workspace=None,
        experiment_name=None,
        description=None,
        logdir=None,
        mode=None,
        tags=None,
        log_config=True,
        **others
    ):
        super().__init__()
        self._given = dict(others, experiment_name=experiment_name, description=description, tags=tags)
        self._given["project"] = project or os.environ.get("SWANLAB_PROJECT")
        self._log_config = log_config
        self._is_set_up = False
        self._evaluated_step = None
        self._last_step = None

    @harmless
    def setup(self, args, state, model=None, **_others):
        """Record the configuration, the first time."""
        if self._is_set_up or not state.is_world_process_zero:
            return
        self._is_set_up = True
        run_name = getattr(args, "run_name", None)
        if run_name and run_name != getattr(args, "output_dir", None):  # older trainers name every run so
            self._given["experiment_name"] = self._given["experiment_name"] or run_name
        run = self._joined_run()
        if self._log_config:
            run.config.update(self._configuration(args, state, model))

    def on_train_begin(self, args, state, control, model=None, **_others):
        """Join the run."""
        self.setup(args, state, model)

    @harmless
    def on_log(self, args, state, control, model=None, logs=None, **_others):
        """Record metrics of training or evaluation."""
        self.setup(args, state, model)
        if not logs or not state.is_world_process_zero:
            return
        found = rewrite_logs({key: value for key, value in logs.items() if key not in SINGLE_VALUES})
        found.update(("single_value/" + key, value) for key, value in logs.items() if key in SINGLE_VALUES)
        step = state.global_step
        if step == self._last_step:  # evaluation logs after training, at the same step
            found.pop("train/epoch", None)
        else:
            found["train/global_step"] = self._last_step = step
        if any(key.startswith("eval_") for key in logs):
            self._evaluated_step = step
        self._record(found, step)

    @harmless
    def on_evaluate(self, args, state, control, metrics=None, **_others):
        """Record the metrics of an evaluation that the trainer has not logged as well, as it usually does."""
        self.setup(args, state, _others.get("model"))
        if metrics and state.is_world_process_zero and state.global_step != self._evaluated_step:
            self._evaluated_step = state.global_step
            self._record(rewrite_logs(metrics), state.global_step)

    @harmless
    def on_predict(self, args, state, control, metrics=None, **_others):
        """Record the metrics of a prediction."""
        self.setup(args, state, _others.get("model"))
        if metrics and state.is_world_process_zero:
            self._record(rewrite_logs(metrics), state.global_step)

    @harmless
    def on_save(self, args, state, control, **_others):
        """Record where the last checkpoint lies."""
        if state.is_world_process_zero:
            path = os.path.join(args.output_dir, "checkpoint-%d" % state.global_step)
            self._joined_run().config[self.framework + "_last_checkpoint"] = path

    def _configuration(self, args, state, model):
        found = {}
        for source in (getattr(model, "config", None), args):
            settings = source if isinstance(source, Mapping) else getattr(source, "to_dict", dict)()
            found.update(settings)
        if getattr(model, "peft_config", None) is not None:
            found["peft_config"] = model.peft_config
        if getattr(state, "trial_name", None) is not None:
            found[self.framework + "_trial_name"] = state.trial_name
        if hasattr(model, "num_parameters"):
            found["model_num_parameters"] = model.num_parameters()
        if hasattr(model, "get_nb_trainable_parameters"):
            trainable, total = model.get_nb_trainable_parameters()
            found.update(peft_model_trainable_params=trainable, peft_model_all_param=total)
        return found
