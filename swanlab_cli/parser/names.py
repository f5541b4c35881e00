"""What a printed name stands for: a metric, a counter, a duration, a setting. Only words are looked at, never whole lines."""

from __future__ import annotations

import enum
import re
from functools import lru_cache


class Kind(enum.Enum):
    """What the number beside a name is."""

    METRIC = "a metric wherever it is printed"
    COMPANION = "a metric in the company of others or of a step; alone it may as well be a setting"
    COUNTER = "says where the program is"
    SETTING = "chosen before the training"
    COST = "time, memory and sizes, which are not followed unless they are printed as key=value"
    UNKNOWN = "no word of it is known"


# Parts of names that say it wherever they stand in a word: `val_loss`, `logloss`, `CrossEntropyLoss`.
_METRIC_PARTS = re.compile(
    "loss|accura|perplex|likelihood|reward|recall|precision|residual|objective|inertia|throughput|entropy|fidelity"
    "|regret|elbo|f1|f2|iou|bleu|rouge|meteor|psnr|ssim|auroc|auprc|samplespersec|tokenspersec|per_second|persec"
)
_METRIC_WORDS = frozenset(
    """speed prec cost acc acc1 acc5 auc ap ar map mrr ndcg dice mcc err error errors mse rmse mae mape smape rmsle rse nll
    nlls ppl bpb bpc bpd wer cer mer las uas kl fid kid lpips top1 top5 r2 score scores return returns success
    fitness hits mfu hfu tflops flops tps fps wps ips ups spearman pearson kappa bias variance gap courant exact
    em cider spice g2p p50 deviance energy logp lnl grad gradnorm bound silhouette purity nmi ari brier ece
    optimality violation infeasibility jaccard sharpe dcg hter tp fp tn fn sps metric obj conf""".split()
)
_COMPANION_WORDS = frozenset(
    """lr lrs wd norm gnorm mean std min max avg average median best temp temperature pressure volume density rate
    scale value val change improve improvement improv clip clipfrac mom momentum beta alpha epsilon eps last since
    l1 l2 len length weight penalty reg kl_coef train test valid eval learn learning""".split()
)
_COUNTER_WORDS = frozenset(
    """epoch epochs ep e step steps iter iters iteration iterations it batch batches batch_id minibatch minibatches
    update updates global_step num_updates n_iter trial fold gen generation episode episodes round rounds cycle
    game games frame frames timestep timesteps total_timesteps counter tokens samples examples images seen level
    pass run""".split()
)
_COST_WORDS = frozenset(
    """progress used free available reserved allocated ts timestamp date time times timing took elapsed eta
    remaining left duration dur sec secs second seconds ms us mins minute
    minutes hour hours runtime wall clock lapse cpu gpu mem memory rss vram cache size sizes bytes kb mb gb kib
    mib gib width height count counts num number nb n total totals pid rank ranks port version seed
    workers threads procs devices nodes params parameters gpus cores line lines file files col row rows column id
    ids uid gid index idx offset skipped support instances trees leaves depth reader_cost batch_cost data""".split()
)
_SETTING_WORDS = frozenset(
    """coeff coef coefficient coefficients coefs decay weight_decay lambda patience interval freq frequency threshold
    dropout every clip clipping warmup hidden dim dims layers heads channels kernel stride padding
    momentum_schedule capability tolerance tol limit delta gamma""".split()
)
# `grad_accum_steps` counts, whatever stands before.
_PLURAL_COUNTERS = frozenset("steps epochs iters iterations batches samples tokens".split())
# First words of names that are no metrics by the words behind: `num samples`, `best epoch`.
_COUNTING_WORDS = ("eta", "remaining", "total", "n", "num", "number", "max", "best")
# Of these a whole number may as well be a count: `errors: 2`, `score: 10`.
_AMBIGUOUS_WORDS = frozenset(
    "error errors err score scores return returns success hits gap obj conf bias variance energy map exact em value".split()
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_RATE = re.compile(r"\w ?/ ?s(?:ec(?:ond)?s?)?(?:/\w+)?$", re.IGNORECASE)
_SPLIT = re.compile(r"[\W_]+")


@lru_cache(maxsize=4096)
def kind_of(name: str) -> Kind:
    """The kind of what is printed under a name."""
    words = [word for word in _SPLIT.split(_CAMEL.sub(" ", name).lower()) if word]
    if not words:
        return Kind.UNKNOWN
    joined, last = "_".join(words), words[-1]
    # `mAP50` is no camel's hump, and `acc1` is an accuracy.
    words += [word.rstrip("0123456789") for word in _SPLIT.split(name.lower()) if not word.isdigit()]
    if _RATE.search(name) or joined in ("best_test", "best_valid", "best_val", "best_eval"):
        return Kind.METRIC
    if "throughput" in joined:
        return Kind.METRIC
    if not _SETTING_WORDS.isdisjoint(words):
        return Kind.SETTING
    is_sum_of_metric = words[0] == "total" and last in _METRIC_WORDS
    if words[0] in _COUNTING_WORDS and not is_sum_of_metric and not _METRIC_PARTS.search(joined):
        return Kind.COMPANION if joined == "max" else Kind.COST
    if last in _PLURAL_COUNTERS and not _METRIC_PARTS.search(joined):
        return Kind.COUNTER
    if last in _COST_WORDS and not re.search("per_(s|sec|second)$", joined):
        return Kind.COST
    if _METRIC_PARTS.search("".join(words)) or _METRIC_PARTS.search(joined) or not _METRIC_WORDS.isdisjoint(words):
        return Kind.METRIC
    if last in _COUNTER_WORDS:
        return Kind.COUNTER
    if not _COMPANION_WORDS.isdisjoint(words) or joined == "l_r":
        return Kind.COMPANION
    if not _COST_WORDS.isdisjoint(words):
        return Kind.COST
    return Kind.UNKNOWN


@lru_cache(maxsize=4096)
def is_clear(name: str) -> bool:
    """Whether a metric of this name is one even where its value is a whole number."""
    words = {word for word in _SPLIT.split(_CAMEL.sub(" ", name).lower()) if word}
    return bool(_RATE.search(name) or _METRIC_PARTS.search("_".join(words)) or _METRIC_WORDS & words - _AMBIGUOUS_WORDS)
