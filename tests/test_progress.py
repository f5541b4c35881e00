"""parser.progress, parser.nesting and recorder.progress: what bars and counters say, alone, together and over a run."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from swanlab_cli.parser.nesting import ProgressTracker
from swanlab_cli.parser.progress import Progress, may_be_progress, read_progress
from swanlab_cli.recorder.progress import ProgressFollower, latest_progress
from swanlab_cli.records import Chunk, Event

# As the programs print them; most lines are from runs of the real ones.
SHOWN = [
    pytest.param(
        "slow:   3%|▎         | 3/100 [27:46:40<898:08:53, 33333.33s/it]",
        Progress(0.03, done=3, total=100, unit="it", rate=3e-05, elapsed_s=100000, eta_s=3233330, description="slow"),
        id="slow-it",
    ),
    pytest.param(
        "slow:  50%|█████     | 50/100 [50:00:00<50:00:00, 3600.00s/ep]",
        Progress(0.5, done=50, total=100, unit="ep", rate=0.000277778, elapsed_s=180000, eta_s=180000, description="slow"),
        id="slow-ep",
    ),
    pytest.param(
        "slow:  50%|█████     | 50/100 [1 day, 2:03:04<2 days, 0:00:01, 3600.00s/ep]",
        Progress(0.5, done=50, total=100, unit="ep", rate=0.000277778, elapsed_s=93784, eta_s=172801, description="slow"),
        id="slow-day-days",
    ),
    pytest.param("  0%|          | 0/100 [00:00<?, ?it/s]", Progress(0.0, done=0, total=100, unit="it", elapsed_s=0), id="it"),
    pytest.param("5it [00:00, ?it/s]", Progress(None, done=5, unit="it", elapsed_s=0), id="it-it"),
    pytest.param("5file [00:03,  1.67file/s]", Progress(None, done=5, unit="file", rate=1.67, elapsed_s=3), id="file-file"),
    pytest.param("1.23Mit [00:03, 500kit/s]", Progress(None, done=1230000, unit="it", rate=500000, elapsed_s=3), id="mit-kit"),
    pytest.param(
        " 25%|██▌       | 5/20 [00:03<00:09,  1.67it/s, loss=0.5, acc=0.7]",
        Progress(0.25, done=5, total=20, unit="it", rate=1.67, elapsed_s=3, eta_s=9),
        id="it-loss-acc",
    ),
    pytest.param(
        "narrow:  25%|▎| 5/20 [00:03<00:09,  1.67",
        Progress(0.25, done=5, total=20, elapsed_s=3, eta_s=9, description="narrow"),
        id="narrow",
    ),
    pytest.param(
        "nobar:  25% 5/20 [00:03<00:09,  1.67it/s]",
        Progress(0.25, done=5, total=20, unit="it", rate=1.67, elapsed_s=3, eta_s=9, description="nobar"),
        id="nobar-it",
    ),
    pytest.param("x:  25%|██▌       | 5/20 ETA 00:09", Progress(0.25, done=5, total=20, eta_s=9, description="x"), id="eta"),
    pytest.param(
        "file.bin:  16%|█▌        | 200k/1.23M [00:00<00:00, 10.2MB/s]",
        Progress(0.162602, done=200000, total=1230000, unit="B", rate=10200000, elapsed_s=0, eta_s=0, description="file.bin"),
        id="file-bin-mb",
    ),
    pytest.param(
        " 16%|#5        | 195k/1.18M [00:00<00:00, 10.2MiB/s]",
        Progress(0.165254, done=195000, total=1180000, unit="B", rate=10695500, elapsed_s=0, eta_s=0),
        id="mib",
    ),
    pytest.param(
        "Training: |          | 0/? [00:00<?, ?it/s]",
        Progress(None, done=0, unit="it", elapsed_s=0, description="Training"),
        id="training-it",
    ),
    pytest.param(
        "Epoch 3/10:  45%|████▌     | 18/40 [00:10<00:12, 1.8it/s]",
        Progress(0.45, done=18, total=40, unit="it", rate=1.8, elapsed_s=10, eta_s=12, description="Epoch 3/10"),
        id="epoch-it",
    ),
    pytest.param(
        "train loss: 1.3110:   2%|▏         | 5/300 [00:00<00:01, 156.37ex/s]",
        Progress(0.0166667, done=5, total=300, unit="ex", rate=156.37, elapsed_s=0, eta_s=1, description="train loss: 1.3110"),
        id="train-loss-ex",
    ),
    pytest.param(
        "Epoch 0 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 10/100 0:00:01 • 0:00:10 9.1it/s v_num: 3",
        Progress(0.1, done=10, total=100, unit="it", rate=9.1, elapsed_s=1, eta_s=10, description="Epoch 0"),
        id="epoch-it-num",
    ),
    pytest.param(
        "Epoch 0/9  ━━━━━━━━━━━━━━━━━━━━━━━━ 10/100 0:00:01 • 0:00:10 9.10it/s v_num: 3 train_loss: 0.345",
        Progress(0.1, done=10, total=100, unit="it", rate=9.1, elapsed_s=1, eta_s=10, description="Epoch 0/9"),
        id="epoch-it-num-2",
    ),
    pytest.param(
        "10/100 [==>...........................] - ETA: 5s - loss: 0.6991",
        Progress(0.1, done=10, total=100, eta_s=5),
        id="eta-loss",
    ),
    pytest.param(
        "10/100 [==>...........................] - ETA: 1:04:17 - loss: 0.6991",
        Progress(0.1, done=10, total=100, eta_s=3857),
        id="eta-loss-2",
    ),
    pytest.param(
        "48/48 [==============================] - 7s 3ms/step - loss: 0.64",
        Progress(1.0, done=48, total=48, unit="step", rate=333.333, elapsed_s=7),
        id="ms-step-loss",
    ),
    pytest.param(
        " 1/16 ━━━━━━━━━━━━━━━━━━━━ 1s 104ms/step - accuracy: 0.5000 - loss: 0.9267",
        Progress(0.0625, done=1, total=16, unit="step", rate=9.61538, eta_s=1),
        id="ms-step-accuracy",
    ),
    pytest.param(
        "16/16 ━━━━━━━━━━━━━━━━━━━━ 1s 44ms/step - accuracy: 0.5000",
        Progress(1.0, done=16, total=16, unit="step", rate=22.7273, elapsed_s=1),
        id="ms-step-accuracy-2",
    ),
    pytest.param(
        " 1/1000 ━━━━━━━━━━━━━━━━━━━━ 1:14:59 5s/step - loss: 0.5",
        Progress(0.001, done=1, total=1000, unit="step", rate=0.2, eta_s=4499),
        id="step-loss",
    ),
    pytest.param(
        "16/16 - 1s - 68ms/step - accuracy: 0.5410",
        Progress(1.0, done=16, total=16, unit="step", rate=14.7059, elapsed_s=1),
        id="ms-step-accuracy-3",
    ),
    pytest.param(
        "Receiving objects:  45% (450/1000), 1.2 MiB | 3.4 MiB/s",
        Progress(0.45, done=450, total=1000, description="Receiving objects"),
        id="receiving-objects-mib",
    ),
    pytest.param(
        "Receiving objects:  45% (450/1000)",
        Progress(0.45, done=450, total=1000, description="Receiving objects"),
        id="receiving-objects",
    ),
    pytest.param(
        "Resolving deltas: 100% (200/200), done.",
        Progress(1.0, done=200, total=200, description="Resolving deltas"),
        id="resolving-deltas-done",
    ),
    pytest.param(
        "Updating files:  33% (1/3)", Progress(0.333333, done=1, total=3, description="Updating files"), id="updating-files"
    ),
    pytest.param(
        "remote: Counting objects:  12% (12/100)",
        Progress(0.12, done=12, total=100, description="remote: Counting objects"),
        id="remote-counting-objects",
    ),
    pytest.param(
        "     ━━━━━━━━━━━━━━━━━━━━━━━━━━╺━━━━━━ 1.5/1.7 MB 52.9 MB/s eta 0:00:01",
        Progress(0.882353, done=1500000, total=1700000, unit="B", rate=52900000, eta_s=1),
        id="mb-mb-eta",
    ),
    pytest.param(
        "     ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 0.0/1.7 MB ? eta -:--:--",
        Progress(0.0, done=0, total=1700000, unit="B"),
        id="mb-eta",
    ),
    pytest.param(
        "file.iso            45%[========>          ] 450.00K  3.40MB/s    eta 5s",
        Progress(0.45, unit="B", rate=3400000, eta_s=5, description="file.iso"),
        id="file-iso-mb",
    ),
    pytest.param(
        "file.iso            45%[========>          ] 450.00K  3.40MB/s    eta 1m 5s",
        Progress(0.45, unit="B", rate=3400000, eta_s=65, description="file.iso"),
        id="file-iso-mb-2",
    ),
    pytest.param(
        " 45 1000k   45  450k    0     0   100k      0  0:00:10  0:00:04  0:00:06  100k",
        Progress(0.45, done=460800, total=1024000, unit="B", rate=102400, elapsed_s=4, eta_s=6),
        id="bar",
    ),
    pytest.param("######################                                                  45.0%", Progress(0.45), id="bar-2"),
    pytest.param(
        "|████▌   | 450/1000 [45%] in 5s (~6s, 90.0/s)",
        Progress(0.45, done=450, total=1000, rate=90, elapsed_s=5, eta_s=6),
        id="in",
    ),
    pytest.param(
        "|████████████████                        | ▃▅▇ 2.0MB/5MB [40%] in 0s (~0s, 7.7MB/s)",
        Progress(0.4, done=2000000, total=5000000, unit="B", rate=7700000, elapsed_s=0, eta_s=0),
        id="mb-mb-in",
    ),
    pytest.param(
        "|████████████████████████████████████████| 12/12 [100%] in 0.6s (17.80/s)",
        Progress(1.0, done=12, total=12, rate=17.8, elapsed_s=0.6),
        id="in-2",
    ),
    pytest.param(
        " 45% (45 of 100) |###       | Elapsed Time: 0:00:10 ETA:   0:00:12",
        Progress(0.45, done=45, total=100, elapsed_s=10, eta_s=12),
        id="of-elapsed-time",
    ),
    pytest.param(
        " 20% of   4.8 MiB |########                                  | Elapsed Time: 0:00:00 ETA:   0:00:01",
        Progress(0.2, elapsed_s=0, eta_s=1),
        id="of-mib-elapsed",
    ),
    pytest.param(
        "Epoch 1/2 : |████████--------------------------------| 20.00% [1/5 00:00<00:03 loss 0.5]",
        Progress(0.2, done=1, total=5, elapsed_s=0, eta_s=3, description="Epoch 1/2"),
        id="epoch-loss",
    ),
    pytest.param(
        "Processing... ━━━━━━━━━━━━━━━━╸━━━━━━━━━━━━━━━━━━━━━━━  42% 0:00:01",
        Progress(0.42, eta_s=1, description="Processing..."),
        id="processing",
    ),
    pytest.param(
        "dl ━━━━━━╺━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 16.0% • 0.8/5.0 MB • 3.8 MB/s • 0:00:02",
        Progress(0.16, done=800000, total=5000000, unit="B", rate=3800000, eta_s=2, description="dl"),
        id="dl-mb-mb",
    ),
    pytest.param(
        "⠙ batches ━━━━━━━━╺━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━  2/10 0:00:00 < 0:00:01",
        Progress(0.2, done=2, total=10, elapsed_s=0, eta_s=1, description="batches"),
        id="batches",
    ),
    pytest.param(
        "Basic   5%|███▎                                                            |  1/20 [00:01<00:21, 0.90 ticks/s]",
        Progress(0.05, done=1, total=20, unit="ticks", rate=0.9, elapsed_s=1, eta_s=21, description="Basic"),
        id="basic-ticks",
    ),
    pytest.param(
        "Modifying  [#########---------------------------]   25%  00:00:03",
        Progress(0.25, eta_s=3, description="Modifying"),
        id="modifying",
    ),
    pytest.param(
        "  [##################------------------]  10/20  00:00:01", Progress(0.5, done=10, total=20, eta_s=1), id="bar-3"
    ),
    pytest.param("  [####################################]  20/20", Progress(1.0, done=20, total=20), id="bar-4"),
    pytest.param("Loading |###                             | 10.0% - 1s", Progress(0.1, description="Loading"), id="loading"),
    pytest.param(
        "Processing |###                             | 1/10",
        Progress(0.1, done=1, total=10, description="Processing"),
        id="processing-2",
    ),
    pytest.param(
        "11/23 09:13:39 - mmengine - INFO - Epoch(train)  [1][10/32]  lr: 1.0000e-03  eta: 0:01:00  time: 0.1 loss: 0.5",
        Progress(0.3125, done=10, total=32, eta_s=60, description="Epoch(train) [1]"),
        id="mmengine-info-epoch",
    ),
    pytest.param(
        "11/23 09:13:39 - mmengine - INFO - Iter(train) [ 100/9000]  lr: 1.0e-03  eta: 1 day, 1:01:00  time: 0.1 loss: 0.5",
        Progress(0.0111111, done=100, total=9000, eta_s=90060, description="Iter(train)"),
        id="mmengine-info-iter",
    ),
    pytest.param(
        "[08/30 23:00:26] d2.utils.events INFO:  eta: 0:01:23  iter: 19  total_loss: 1.2  time: 0.03",
        Progress(None, done=19, unit="iter", eta_s=83),
        id="utils-events-info",
    ),
    pytest.param(
        "Epoch [3/10] Step [20/100] loss: 0.5",
        Progress(0.2, done=20, total=100, unit="step", description="Epoch [3/10]"),
        id="epoch-step-loss",
    ),
    pytest.param(
        "Epoch [3/10], Step [20/100], Loss: 0.5",
        Progress(0.2, done=20, total=100, unit="step", description="Epoch [3/10]"),
        id="epoch-step-loss-2",
    ),
    pytest.param("Epoch 3/10", Progress(0.3, done=3, total=10, unit="epoch"), id="epoch"),
    pytest.param("Epoch 3/10: loss 0.5", Progress(0.3, done=3, total=10, unit="epoch"), id="epoch-loss-2"),
    pytest.param("Epoch: 3/10 | loss 0.5", Progress(0.3, done=3, total=10, unit="epoch"), id="epoch-loss-3"),
    pytest.param("step 100/1000", Progress(0.1, done=100, total=1000, unit="step"), id="step"),
    pytest.param("iter 100/1000: loss 0.5", Progress(0.1, done=100, total=1000, unit="iter"), id="iter-loss"),
    pytest.param(
        " iteration       10/ 1716613 | consumed samples:         2560 | elapsed time per iteration (ms): 942.0",
        Progress(5.82542e-06, done=10, total=1716610, unit="iteration"),
        id="iteration-consumed-samples",
    ),
    pytest.param(
        "Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.3",
        Progress(0.0106667, done=640, total=60000, description="Train Epoch: 1"),
        id="train-epoch-loss",
    ),
    pytest.param(
        "Epoch: [0][ 1/12]\tTime  1.923 ( 1.923)\tLoss 7.0341e+00 (7.0341e+00)\tAcc@1   0.00 (  0.00)",
        Progress(0.0833333, done=1, total=12, description="Epoch: [0]"),
        id="epoch-time-loss",
    ),
    pytest.param(
        "Epoch: [0]  [10/40]  eta: 0:00:04  lr: 0.008750  loss: 1.4118 (1.4202)  time: 0.1425  data: 0.0020",
        Progress(0.25, done=10, total=40, eta_s=4, description="Epoch: [0]"),
        id="epoch-eta-lr",
    ),
    pytest.param(
        "Test:  [20/40]  eta: 0:00:00  loss: 0.8760 (0.8889)  acc1: 81.2500 (81.1012)",
        Progress(0.5, done=20, total=40, eta_s=0, description="Test"),
        id="test-eta-loss",
    ),
    pytest.param(
        "[ 45%] Building C object CMakeFiles/a.dir/b.c.o",
        Progress(0.45, description="Building C object CMakeFiles/a.dir/b.c.o"),
        id="building-object-cmakefiles",
    ),
    pytest.param("[12/345] Building CXX object a.o", Progress(0.0347826, done=12, total=345), id="building-cxx-object"),
    pytest.param("12% completed", Progress(0.12), id="completed"),
    pytest.param("Progress: [ 45%]", Progress(0.45, description="Progress"), id="progress"),
    pytest.param("Progress: 45%", Progress(0.45, description="Progress"), id="progress-2"),
    pytest.param("Downloading... 45%", Progress(0.45, description="Downloading..."), id="downloading"),
    pytest.param("(Reading database ... 45%", Progress(0.45, description="Reading database ..."), id="reading-database"),
    pytest.param(
        "[>>>>>>>>>>>>>>>>>>>>>>>>>>>>--] 112/117, 2.3 task/s, elapsed: 48s, ETA:     2s",
        Progress(0.957265, done=112, total=117, unit="task", rate=2.3, elapsed_s=48, eta_s=2),
        id="task-elapsed-eta",
    ),
    pytest.param(
        "1/3         0G      5.686      3.486      3.551          4         96: 25% ━━━───────── 1/4 1.1s/it 1.4s<3.2s",
        Progress(
            0.25, done=1, total=4, unit="it", rate=0.909091, elapsed_s=1.4, eta_s=3.2, description="1/3 0G 5.686 3.486 3.551 4 96"
        ),
        id="it-2",
    ),
    pytest.param(
        "(TaskRunner pid=19443) Training Progress:   1%|▏         | 5/435 [5:01<7:05:12, 61.21s/it]",
        Progress(
            0.0114943, done=5, total=435, unit="it", rate=0.0163372, elapsed_s=301, eta_s=25512, description="Training Progress"
        ),
        id="taskrunner-pid-training",
    ),
    pytest.param(
        "file.bin     45%  450KB   1.0MB/s   00:10 ETA",
        Progress(0.45, unit="B", rate=1000000, eta_s=10, description="file.bin"),
        id="file-bin-kb",
    ),
    pytest.param(
        "      1,234,567  45%   10.00MB/s    0:00:10", Progress(0.45, unit="B", rate=10000000, description="1,234,567"), id="mb"
    ),
    pytest.param("#5 [ 2/5] RUN pip install", Progress(0.4, done=2, total=5, description="5"), id="run-pip-install"),
    pytest.param(" Step 3/10 : RUN make", Progress(0.3, done=3, total=10, unit="step"), id="step-run-make"),
    pytest.param(
        "Sampling:  30%|###       | 300/1000 [00:10<00:20]",
        Progress(0.3, done=300, total=1000, elapsed_s=10, eta_s=20, description="Sampling"),
        id="sampling",
    ),
    pytest.param("[step=10/10000,epoch=0]", Progress(0.001, done=10, total=10000, unit="step"), id="step-epoch"),
    pytest.param(
        "step:0/3200 val_loss:10.8258 train_time:327ms step_avg:nanms",
        Progress(0.0, done=0, total=3200, unit="step"),
        id="step-val-loss",
    ),
    pytest.param(
        "chain 1 |██████    | 50% 00:10 Iteration: 1000 / 2000 [ 50%]  (Sampling)",
        Progress(0.5, done=1000, total=2000, description="chain 1"),
        id="chain-iteration-sampling",
    ),
    pytest.param(
        "Chain 1 Iteration: 1000 / 2000 [ 50%]  (Sampling)",
        Progress(0.5, done=1000, total=2000, unit="iteration", description="Chain 1"),
        id="chain-iteration-sampling-2",
    ),
    pytest.param(
        "2024-01-02 10:11:12,123 INFO epoch 3/10 batch 20/100 loss 0.5",
        Progress(0.2, done=20, total=100, unit="batch", description="epoch 3/10"),
        id="info-epoch-batch",
    ),
    pytest.param(
        "[1/15] 1 tree, 17 leaves, max depth = 6, train loss: 0.62204, val loss: 0.64336, in 0.392s",
        Progress(0.0666667, done=1, total=15),
        id="tree-leaves-max",
    ),
]
NOT_PROGRESS = [
    "98/100 (98%)",
    "Accuracy: 98/100 (98%)",
    "Test set: Average loss: 0.0512, Accuracy: 9850/10000 (98%)",
    "accuracy 98%",
    "val acc 98.5% (985/1000)",
    "2024/01/02 started",
    "01/02/2024 10:11",
    "[08/30 23:00:26] d2.data.build INFO: Using training sampler TrainingSampler",
    "/home/a/3/10/file.txt",
    "see path 3/10/data",
    "score: 3/10",
    "loaded 3/10 of the way",
    "memory:  1.05GiB(1.10%)  tps: 689",
    "| N/A   36C    P0            143W /  700W |    5352MiB /  81559MiB |      3%      Default |",
    "plateau: patience=1/5",
    "   0 conv     32       3 x 3/ 1    416 x 416 x   3 ->  416 x 416 x  32 0.299 BF",
    "GPU util 45%",
    "Filesystem      Size  Used Avail Use% Mounted on",
    "/dev/sda1        50G   20G   30G  40% /",
    "5/5 tests passed",
    "3 passed, 2 failed in 1.2s",
    "ratio 1/3",
    "lr 1/2 of base",
    "Python 3.11/3.12",
    "HTTP/1.1 200 1/1",
    "loss 0.5 acc 45%",
    "|E2E latency=3.74s |Gather latency=0.00s (0.00%) |Generate time=2.47s (66.14%)",
    "batch size 3/4",
    "took 3/4 of an hour",
    "beat the baseline by 12%",
    "version 3 of 10",
    "rank 1/8 started",
    "training accuracy: 45%",
    "step 5 loss 0.5",
    "Epoch 5 loss 0.5",
    "epoch   train_loss  valid_loss  accuracy  time",
    "0       0.5         0.5          0.9       00:10",
    "usage: 45% of 16 GB",
    "coverage: 98% (98/100)",
    "30.0/s",
    "A: 1/2 B: 3/4",
    "dropout 10% done right",
    "    3/Unknown gets",
    "25.0% 5/20",
    "aaa",
    "",
]


def rounded(progress: Progress | None) -> Progress | None:
    """A progress with its numbers to six digits."""
    if progress is None:
        return None
    return Progress._make(float(f"{value:.6g}") if isinstance(value, float) else value for value in progress)


@pytest.mark.parametrize(("text", "expected"), SHOWN)
def test_progress_is_read(text: str, expected: Progress) -> None:
    """All that a bar or a counter says, and the cheap test lets it through."""
    assert rounded(read_progress(text)) == expected
    assert may_be_progress(text.encode())


@pytest.mark.parametrize("text", NOT_PROGRESS)
def test_what_only_looks_like_it_is_none(text: str) -> None:
    """Dates, paths, scores, shares of anything else."""
    assert read_progress(text) is None


def test_no_text_is_too_odd() -> None:
    """Anything may stand in a line: something or nothing is read, never an error, and fractions are from 0 to 1."""
    pieces = [
        "%",
        "/",
        "[",
        "]",
        "|",
        "<",
        "eta ",
        "12",
        "3.5",
        "100",
        ":",
        " of ",
        "it/s",
        "━━━",
        "####",
        "?",
        "day, ",
        "k",
        "MiB",
        "0",
        "1e9",
        "²",
    ]
    chance = random.Random(5)
    for _ in range(5000):
        progress = read_progress("".join(chance.choices(pieces, k=chance.randrange(1, 14))))
        assert progress is None or progress.fraction is None or 0 <= progress.fraction <= 1


def shares(*lines: str) -> list[float | None]:
    """The run's share after each line, two digits."""
    tracker, found = ProgressTracker(), []
    for second, line in enumerate(lines):
        tracker.read(line, float(second))
        standing = tracker.standing()
        found.append(None if standing is None or standing.fraction is None else round(standing.fraction, 2))
    return found


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(["Epoch 3/10", "50/100 [==>..] - ETA: 5s"], [0.2, 0.25], id="keras"),
        pytest.param(["Epoch [3/10] Step [50/100]", "Epoch [4/10] Step [1/100]"], [0.25, 0.3], id="counters"),
        pytest.param(["Epoch 3/10:  50%|##| 50/100 [00:10<00:10]"], [0.25], id="epoch-in-the-description"),
        pytest.param(
            ["outer:   0%|  | 0/2 [00:00<?, ?it/s]", "inner:  50%|  | 5/10 [00:01<00:01, 5it/s]",
             "inner: 100%|  | 10/10 [00:02<00:00, 5it/s]",
             "inner:   0%|  | 0/10 [00:00<?, ?it/s]", "outer:  50%|  | 1/2 [00:02<00:02, 2s/it]",
              "inner:  50%|  | 5/10 [00:01<00:01, 5it/s]"],
            [0.0, 0.25, 0.5, 0.5, 0.5, 0.75], id="nested-bars-never-fall-back",
        ),
        pytest.param(
            ["prepare: 100%|##| 8/8 [00:01<00:00, 8it/s]", "train:  50%|# | 5/10 [00:01<00:01, 5it/s]",
             "train: 100%|##| 10/10 [00:02<00:00, 5it/s]",
             "eval:  25%|# | 1/4 [00:01<00:03, 1it/s]"],
            [1.0, 0.5, 1.0, 0.25], id="one-after-another",
        ),
        pytest.param(
            [" 50%|# | 20/40 [00:10<00:10, 2it/s]", "  0%|  | 0/8 [00:00<?, ?it/s]", "100%|##| 8/8 [00:01<00:00, 8it/s]",
             " 52%|# | 21/40 [00:12<00:10, 2it/s]"],
            [0.5, 0.5, 0.53, 0.53], id="evaluation-while-training",
        ),
        pytest.param(["steps:   0%|  | 0/60 [00:00<?, ?it/s]", "epoch 1/3", "steps:  33%|# | 20/60 [00:01<00:02, 9it/s]",
         "epoch 2/3"],
            [0.0, 0.0, 0.33, 0.34], id="epochs-inside-a-bar-of-all-steps"),
        pytest.param(
            ["load:  63%|##| 226/360 [00:00<00:00, 212it/s]", "Epoch 1/4", "2/2 [====] - 1s 1ms/step", "Epoch 2/4",
             "1/2 [==>.] - ETA: 1s"],
            [0.63, 0.63, 0.63, 0.25, 0.38], id="abandoned-bar",
        ),
        pytest.param(["Training: |  | 0/? [00:00<?, ?it/s]",
         "Epoch 0:  50%|# | 10/20 [00:01<00:01, 9it/s]"], [None, 0.5], id="bar-without-a-total"),
        pytest.param(["step 10/100 loss 0.5", "accuracy 99%", "step 20/100 loss 0.4"], [0.1, 0.1, 0.2], id="counter-alone"),
    ],
)  # fmt: skip
def test_bars_are_joined(lines: list[str], expected: list[float | None]) -> None:
    """Inner bars fill the unit of the outermost; what begins when all is finished comes after it."""
    assert shares(*lines) == expected


def test_time_left_is_the_outer_ones() -> None:
    """As printed, less what has passed; without one, from its own pace."""
    tracker = ProgressTracker()
    tracker.read(" 50%|# | 20/40 [00:10<00:30, 2it/s]", 100.0)
    tracker.read(" 50%|# | 4/8 [00:01<00:01, 4it/s]", 110.0)
    printed = tracker.standing()
    counted = ProgressTracker()
    counted.read("Epoch 1/4", 0.0)
    counted.read("5/10 [==>.] - ETA: 5s", 10.0)
    paced = counted.standing()
    assert printed is not None
    assert (printed.eta_s, printed.rate, printed.done, printed.total) == (20.0, 2.0, 20.0, 40.0)
    assert paced is not None
    assert (paced.fraction, paced.eta_s, paced.rate) == (0.125, 70.0, 0.05)


def bar(done: int, total: int) -> bytes:
    """A repaint of a bar."""
    return f"\r{100 * done // total:3d}%|####      | {done}/{total} [00:10<00:10, 9.99it/s]".encode()


def events_of(chunks: list[Chunk]) -> list[Event]:
    """All events of some output."""
    follower = ProgressFollower()
    return [*follower.feed(chunks), *follower.finish()]


@pytest.mark.parametrize(
    ("count", "interval_s", "most"),
    [(20_000, 0.01, 200), (20_000, 0.0, 2), (15_000, 10.0, 5_000)],
    ids=["flood", "at-once", "two-weeks"],
)
def test_events_are_few(count: int, interval_s: float, most: int) -> None:
    """At least a second apart, bounded over long runs, and the last state is among them."""
    events = events_of([Chunk(1000 + number * interval_s, "stderr", bar(number % 997, 996)) for number in range(1, count)])
    times = [event.time for event in events]
    assert 0 < len(events) <= most
    assert all(after - before >= 1 for before, after in pairwise(times[:-1]))
    assert events[-1].data["done"] == (count - 1) % 997


def test_an_event_says_all() -> None:
    """The record as ARCHITECTURE.md has it."""
    assert events_of([Chunk(1000.0, "stderr", b"load:" + bar(450, 1000))]) == [
        Event(1000.0, "progress", {"fraction": 0.45, "done": 450.0, "total": 1000.0, "unit": "it",
         "rate": 9.99, "elapsed_s": 10.0,
                                   "eta_s": 10.0, "description": ""})
    ]  # fmt: skip


def test_an_epoch_in_the_middle_of_a_flood_is_seen() -> None:
    """Its line stands before megabytes of others, whose bars do not name it."""
    flood = b"Epoch 3/10\n" + b"the quick brown fox\n" * 50_000 + bar(50, 100)
    assert [event.data["fraction"] for event in events_of([Chunk(1.0, "both", flood)])] == [0.25]


def test_streams_are_read_in_the_order_of_time() -> None:
    """A bar on stderr that no newline ends, and the next epoch's line on stdout."""
    chunks = [
        Chunk(1.0, "stdout", b"Epoch 1/2\n"), Chunk(1.1, "stderr", bar(10, 10)), Chunk(1.2, "stdout", b"Epoch 2/2\n"),
        Chunk(3.0, "stderr", b"\n" + bar(5, 10)),
    ]  # fmt: skip
    assert [event.data["fraction"] for event in events_of(chunks)] == [0.5, 0.75]


@pytest.mark.parametrize("size", [1, 7, 100])
def test_portions_make_no_difference(size: int) -> None:
    """The bytes of one moment may come in any pieces."""
    data = b"".join(b"Epoch %d/3\n" % epoch + b"".join(bar(step, 5) for step in range(6)) + b"\n" for epoch in (1, 2, 3))
    pieces = [Chunk(1.0, "both", data[at : at + size]) for at in range(0, len(data), size)]
    assert events_of(pieces) == events_of([Chunk(1.0, "both", data)])


@pytest.mark.parametrize(("now", "left"), [(1030.0, 70.0), (1200.0, 0.0), (None, None)], ids=["later", "overdue", "ended"])
def test_time_left_is_carried_on(now: float | None, left: float | None) -> None:
    """To now while the run goes on; a run that has ended has none."""
    data = {
        "fraction": 0.5,
        "done": 1.0,
        "total": 2.0,
        "unit": "it",
        "rate": 0.01,
        "elapsed_s": 100.0,
        "eta_s": 100.0,
        "description": "",
    }
    events = [Event(900.0, "progress", {}), Event(1000.0, "progress", data), Event(1001.0, "warning", {"text": ""})]
    assert latest_progress(events, now) == {**data, "eta_s": left, "time": 1000.0}
