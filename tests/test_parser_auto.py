"""parser.auto: lines of many programs, by their own format strings with values of ours, and lines that hold no metric."""

from __future__ import annotations

import random
import re
import tracemalloc

import pytest

from swanlab_cli.parser import Parser

from .printed import Value, values_of

# Program, line, step, and what is found but for counters.
LINES: list[tuple[str, str, int | None, dict[str, float]]] = [
    ("timm", "Test: [  10/195]  Time: 0.123 (0.456)  Loss:   1.234 ( 1.345)  Acc@1:  75.000 ( 74.1)",
     10, {"Loss": 1.234, "Acc@1": 75}),
    ("fairseq", "2023-01-01 12:00:00 | INFO | valid | epoch 001 | valid on 'valid' subset | loss 4.12 | ppl 9.99 | wps 12345", 1,
     {"loss": 4.12, "ppl": 9.99, "wps": 12345}),
    ("OpenNMT", "[2023-01-01 12:00:00,123 INFO] Step 50/100000; acc:  12.34; ppl: 1234.56; xent: 7.12; lr: 0.00001;", 50,
     {"acc": 12.34, "ppl": 1234.56, "xent": 7.12, "lr": 1e-5}),
    ("Flair",
     "2023-01-01 12:00:00,123 epoch 1 - iter 8/80 - loss 3.125 - time (sec): 1.23 - samples/sec: 456.78 - lr: 0.100000", 8,
     {"loss": 3.125, "samples/sec": 456.78, "lr": 0.1}),
    ("CleanRL", "global_step=1234, episodic_return=[21.]", 1234, {"episodic_return": 21}),
    ("CleanRL", "SPS: 1234", None, {"SPS": 1234}),
    ("Caffe", "I0101 12:00:00.123456  1234 solver.cpp:228] Iteration 100, loss = 0.345678", 100, {"loss": 0.345678}),
    ("MaxText",
     "completed step: 5, seconds: 1.234, TFLOP/s/device: 123.4, Tokens/s/device: 1234.5, total_weights: 65536, loss: 10.1", 5,
     {"TFLOP/s/device": 123.4, "Tokens/s/device": 1234.5, "loss": 10.1}),
    ("logfmt", 'level=info ts=2023-01-01T12:00:00Z msg="train step" step=10 loss=0.5 lr=0.001', 10, {"loss": 0.5, "lr": 0.001}),
    ("JSON lines", '{"ts": "2023-01-01T12:00:00", "level": "info", "event": "fit", "step": 10, "loss": 0.5}', 10, {"loss": 0.5}),
    ("structlog", "2023-01-01 12:00.00 [info     ] train step                     loss=0.5 lr=0.001 step=10", 10,
     {"loss": 0.5, "lr": 0.001}),
    ("torchrun", "[rank0]: step 5 | loss 2.345 | lr 1.0e-4 | tok/s 123456", 5, {"loss": 2.345, "lr": 1e-4, "tok/s": 123456}),
    ("srun --label", "0: step=5 loss=2.5", 5, {"loss": 2.5}),
    ("TRL", "{'loss': 1.25, 'rewards/chosen': 0.1, 'rewards/margins': 0.3, 'logps/chosen': -100.1, 'epoch': 0.5}", None,
     {"loss": 1.25, "rewards/chosen": 0.1, "rewards/margins": 0.3, "logps/chosen": -100.1}),
    ("transformers", "{'loss': '3.026', 'grad_norm': '0.45', 'epoch': '1'}", None, {"loss": 3.026, "grad_norm": 0.45}),
    ("print", "Epoch 1/10, Loss: 0.1234, Accuracy: 95.12%", 1, {"Loss": 0.1234, "Accuracy": 95.12}),
    ("print", "Epoch [1/10], Step [100/600], Loss: 0.2345", 100, {"Loss": 0.2345}),
    ("print", "Test set: Average loss: 0.0456, Accuracy: 9850/10000 (98.5%)", None, {"Average loss": 0.0456, "Accuracy": 98.5}),
    ("print", "Epoch 5/90 Iter 100/5004 Loss 2.345 (2.456) Prec@1 45.678 (44.567)", 100, {"Loss": 2.345, "Prec@1": 45.678}),
    ("Ignite", "Epoch[1] Batch[100] avg loss: 0.25", 100, {"avg loss": 0.25}),
    ("print", "Mean reward: 123.4 +/- 12.3", None, {"Mean reward": 123.4}),
    ("print", "Train Epoch: 1 [640/60000 (1%)]\tLoss: 1.234567", 640, {"Loss": 1.234567}),
    ("print", "[1,  2000] loss: 2.173", 2000, {"loss": 2.173}),
    ("print", "Validation: MSE 0.123 MAE 0.234 R2 0.95", None, {"MSE": 0.123, "MAE": 0.234, "R2": 0.95}),
    ("print", "Episode 10\tLast reward: 25.00\tAverage reward: 12.34", 10, {"Last reward": 25, "Average reward": 12.34}),
    ("print", "ep 3 loss 0.44 acc 91.2%", 3, {"loss": 0.44, "acc": 91.2}),
    ("print", "[Epoch 1/10] [Batch 100/938] [D loss: 0.123, acc: 50%] [G loss: 1.234]",
     100, {"D loss": 0.123, "acc": 50, "G loss": 1.234}),
    ("llm.c", "step    5/2000 | loss 7.0123 (+1.23z)| norm 2.345 (+nanz)| lr 3.00e-06 | 1234.56 ms", 5,
     {"loss": 7.0123, "norm": 2.345, "lr": 3e-6}),
    ("print", "Best validation accuracy: 0.95 at epoch 12", 12, {"Best validation accuracy": 0.95}),
    ("TensorFlow", "INFO:tensorflow:loss = 0.345, step = 100 (1.234 sec)", 100, {"loss": 0.345}),
    ("print", "Epoch 12 train loss 0.123 valid loss 0.234 lr 0.001 time 12.3s",
     12, {"train loss": 0.123, "valid loss": 0.234, "lr": 0.001}),
    ("print", "Training loss after 100 steps: 0.345", None, {"Training loss": 0.345}),
    ("print", "The final test accuracy is 93.4%", None, {"final test accuracy": 93.4}),
    ("print", "val_f1 → 0.88", None, {"val_f1": 0.88}),
    ("print", "loss: nan", None, {"loss": float("nan")}),
    ("print", "reward=0.75", None, {"reward": 0.75}),
    ("print", "my_number=0.75", None, {"my_number": 0.75}),
    ("print", "Training loss ......... 0.5725", None, {"Training loss": 0.5725}),
    ("print", "第3轮 训练损失：0.4925 准确率：77.00%", 3, {"训练损失": 0.4925, "准确率": 77}),
    ("print", "Epoche  2/12 – Verlust: 0.4976, Genauigkeit: 80.5 %", 2, {"Verlust": 0.4976, "Genauigkeit": 80.5}),
    ("print", "D(x): 0.4965 D(G(z)): 0.5198 / 0.4269 Loss_D: 1.25", None, {"D(x)": 0.4965, "D(G(z))": 0.5198, "Loss_D": 1.25}),
    ("print", "test accuracy: 0.98 and 67.9 perplexity", None, {"test accuracy": 0.98, "perplexity": 67.9}),
    ("word_language_model", "| epoch   1 |    20/  140 batches | lr 20.00 | ms/batch 58.69 | loss  5.30 | ppl   199.86", 20,
     {"lr": 20, "loss": 5.3, "ppl": 199.86}),
    ("liblinear", "iter  3 act 3.015e+02 pre 2.319e+02 delta 8.837e-01 f 8.820e+02 |g| 9.548e+02 CG   3", 3,
     {"act": 301.5, "pre": 231.9, "delta": 0.8837, "f": 882, "|g|": 954.8}),
    ("PETSc", "    9 KSP Residual norm 1.889e-10", 9, {"KSP Residual norm": 1.889e-10}),
    ("Knet", "(:epoch, 1, :loss, 0.25, :accuracy, 0.9)", 1, {"loss": 0.25, "accuracy": 0.9}),
    ("Marian", "[2019-01-15 05:21:33] Ep. 1 : Up. 500 : Sen. 662,406 : Cost 91.62 : Time 704.91s : L.r. 9.3750e-06", 500,
     {"Cost": 91.62, "L.r.": 9.375e-6}),
    ("ML-Agents", "trainer: Step: 15000. Time Elapsed: 80.900 s Mean Reward: 0.333. Std of Reward: 0.471. Training.", 15000,
     {"Mean Reward": 0.333, "Std of Reward": 0.471}),
    ("forge", "  buffer/evict/avg_policy_staleness: 0.5", None, {"buffer/evict/avg_policy_staleness": 0.5}),
    ("COCO", " Average Recall  (AR) @[ IoU=0.50:0.95 | area= large | maxDets=100 ] = 0.882", None,
     {"Average Recall (AR) @[ IoU=0.50:0.95 | area= large | maxDets=100 ]": 0.882}),
    ("JAX", "[train] step: 4, metrics: {'train_loss': Array(8.35, dtype=float32), 'grad_norm': Array(5.38, dtype=float32)}", 4,
     {"train_loss": 8.35, "grad_norm": 5.38}),
    ("SentencePiece", "LOG(INFO) EM sub_iter=1 size=48524 obj=7.66725 num_tokens=201920", None, {"obj": 7.66725}),
    ("scikit-learn", "[CV 1/3] END ................C=0.1, gamma=0.001;, score=0.806 total time=   0.0s", None,
     {"score": 0.806, "total time": 0}),
    ("Megatron", " iteration 43/ 100 | throughput per GPU (TFLOP/s/GPU): 239.8 | lm loss: 1.825991E+00 |", 43,
     {"throughput per GPU (TFLOP/s/GPU)": 239.8, "lm loss": 1.825991}),
]  # fmt: skip
NOTHING = [
    "2024-01-02 12:00:00 INFO Listening on port 8080",
    "Namespace(lr=0.001, batch_size=32, loss='mse', dropout=0.1)",
    "model parameters: {'lr': 0.001, 'gamma': 0.9}",
    "learning_rate: 0.001",
    "  (0): Linear(in_features=10, out_features=5, bias=True)",
    "Downloading: 100%|██████████| 1.2M/1.2M [00:00<00:00, 5.6MB/s]",
    "Collecting torch==2.1.0",
    "File \"/usr/lib/python3.11/site.py\", line 123, in main",
    "worker 3 of 8 started (pid 4711)",
    "ETA: 0:12:34",
    "see https://example.org/?loss=0.5&page=2",
    "float loss = 0.5;",
    ">>> print(loss * 0.5)",
    "optimizer: AdamW (lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.01)",
    "Receiving objects: 100% (1234/1234), 1.20 MiB | 3.40 MiB/s, done.",
    "==================== 5 passed, 1 skipped in 0.12s ====================",
    "/dev/sda1        50G   20G   30G  40% /",
    "Loaded 1000 images in 1.23 s",
    "FloatingPointError: loss=0.5 is too large",
    "Total params: 1,234,567",
    "error: 2 files could not be read",
    "E       AssertionError: expected 0.25 but loss was 0.5",
    "Engine run starting with max_epochs=4.",
    "memory: used: 512.5 MB, free: 128.5 MB",
    '{"ts": 1795628288.62, "msg": "start"}',
    '203.0.113.9 - - [12/Feb/2026:06:25:11 +0000] "GET /runs?loss=0.5 HTTP/1.1" 200 5316 "-" rt=0.012',
    "adam_epsilon=1e-08,",
    "Startup finished in 3.812s (kernel) + 11.021s (userspace) = 14.833s.",
    "setting grad_accum_steps=1",
]  # fmt: skip
TABLES = {
    "fastai": (
        "epoch     train_loss  valid_loss  accuracy  time    \n"
        "0         0.710639    0.675534    0.523438  00:03     \n"
        "1         0.625501    0.461134    0.820312  00:05     \n",
        [
            *[("train_loss", 0.710639, 0), ("valid_loss", 0.675534, 0), ("accuracy", 0.523438, 0)],
            *[("train_loss", 0.625501, 1), ("valid_loss", 0.461134, 1), ("accuracy", 0.820312, 1)],
        ],
    ),
    "LAMMPS": (
        "   Step          Temp          E_pair         E_mol          TotEng         Press     \n"
        "         0   1.44          -6.7733681      0             -4.6134356     -5.0197073    \n",
        [("Temp", 1.44, 0), ("E_pair", -6.7733681, 0), ("E_mol", 0, 0), ("TotEng", -4.6134356, 0), ("Press", -5.0197073, 0)],
    ),
    "bars": (
        "| epoch | train loss | val acc |\n|-------|------------|---------|\n| 3     | 0.25       | 0.75    |\n",
        [("train loss", 0.25, 3), ("val acc", 0.75, 3)],
    ),
    "box": (
        "---------------------------\n| rollout/     |          |\n|    ep_rew    | 22.5     |\n| train/       |          |\n"
        "|    n_updates | 10       |\n|    loss      | 0.5      |\n---------------------------\n",
        [("rollout/ep_rew", 22.5, None), ("train/loss", 0.5, None)],
    ),
    "halves": (
        "|  Epoch  |  Iteration  |  Time Elapsed  |  Mini-batch  |  Base Learning  |\n"
        "|         |             |   (hh:mm:ss)   |     Loss     |      Rate       |\n"
        "|       1 |          50 |       00:00:10 |       0.7300 |                 |\n",
        [("Mini-batch Loss", 0.73, 50)],
    ),
    "names above the ends of numbers": (
        "           Bond    Proper Dih.   Coul. recip.\n    3.48392e+01    5.83510e-01    4.35577e+02\n",
        [("Bond", 34.8392, None), ("Proper Dih.", 0.58351, None), ("Coul. recip.", 435.577, None)],
    ),
    "an index": (
        "   train_loss  val_loss\n0    0.565686  0.511247\n1    0.407504  0.475417\n",
        [("train_loss", 0.565686, 0), ("val_loss", 0.511247, 0), ("train_loss", 0.407504, 1), ("val_loss", 0.475417, 1)],
    ),
    "commas": (
        '#"Step","Potential Energy (kJ/mole)","loss"\n500,274.86,0.5\n1000,274.30,0.25\n',
        [
            *[("Potential Energy (kJ/mole)", 274.86, 500), ("loss", 0.5, 500)],
            *[("Potential Energy (kJ/mole)", 274.3, 1000), ("loss", 0.25, 1000)],
        ],
    ),
    "a label before each row": (
        "      Step     Time          Energy          fmax\nBFGS:    1 17:30:27        3.286773        1.479434\n",
        [("Energy", 3.286773, 1), ("fmax", 1.479434, 1)],
    ),
    "classes": (
        "              precision    recall  f1-score   support\n\n   macro avg       0.93      0.91      0.92        40\n",
        [("macro avg precision", 0.93, None), ("macro avg recall", 0.91, None), ("macro avg f1-score", 0.92, None)],
    ),
    "a column called step": (
        " iter | pri res |   gap   |  obj   | step\n     0| 4.45e+00  8.24e+00 -5.2e+00 9.9e-01 \n",
        [("pri res", 4.45, 0), ("gap", 8.24, 0), ("obj", -5.2, 0)],
    ),
    "above": (
        "average  since         example\nloss     last          counter\n0.50 0.25            8\n",
        [("average loss", 0.5, 8), ("since last", 0.25, 8)],
    ),
}


def found_in(text: str) -> list[Value]:
    """What a new parser finds."""
    parser = Parser("auto")
    return values_of(parser.feed(text.encode()) + parser.finish())


@pytest.mark.parametrize(("program", "line", "step", "expected"), LINES)
def test_lines_of_programs(program: str, line: str, step: int | None, expected: dict[str, float]) -> None:
    """Keys as printed, values as printed, the finest step."""
    found = found_in(line)
    assert {value.key: repr(value.value) for value in found if value.key not in ("step", "epoch", "global_step")} == {
        key: repr(float(value)) for key, value in expected.items()
    }
    assert {value.step for value in found} == {step}


@pytest.mark.parametrize("line", NOTHING)
def test_lines_without_metrics(line: str) -> None:
    """Configuration, paths, code, addresses, progress of downloads."""
    assert found_in(line) == []


@pytest.mark.parametrize("name", TABLES)
def test_tables(name: str) -> None:
    """A header, then rows."""
    text, expected = TABLES[name]
    assert [(value.key, value.value, value.step) for value in found_in(text)] == expected


def test_what_recurs_is_a_metric() -> None:
    """An unknown name is taken when it comes a third time, if it had two values; then the first two are complete."""
    lines = ["violation: 0.5", "scale: 1.5", "violation: 0.25", "scale: 1.5", "violation: 0.125", "scale: 1.5", "violation: 3"]
    assert [(value.key, value.value, value.line) for value in found_in("\n".join(lines))] == [
        ("violation", 0.5, 1),
        ("violation", 0.25, 3),
        ("violation", 0.125, 5),
        ("violation", 3, 7),
    ]


@pytest.mark.parametrize("name", ["elapsed", "epoch", "n_estimators", "dropout"])
def test_times_counters_and_settings_recur_in_vain(name: str) -> None:
    """How often they are printed does not make them metrics."""
    assert found_in("".join(f"{name}: {value / 10}\n" for value in range(11, 40))) == []


def test_lines_of_one_shape_are_read_alike() -> None:
    """A line that is like one before but for its digits is read as if it were the first, one by one or many at once."""
    chance = random.Random(5)
    warm, many = Parser("auto"), Parser("auto")
    others = [
        re.sub(r"(?<![0-9A-Za-z_])[0-9]+", lambda run: _other_digits(chance, run[0]), line)
        for _, line, _, _ in LINES * 40
        for line in [line] * chance.randrange(1, 4)
    ]
    expected = [(value.key, repr(value.value), value.step) for other in others for value in found_in(other)]
    one_by_one = [value for other in others for value in values_of(warm.feed(other.encode() + b"\n"))]
    at_once = values_of(many.feed("".join(f"{other}\n" for other in others).encode()))
    assert expected == [(value.key, repr(value.value), value.step) for value in one_by_one]
    assert expected == [(value.key, repr(value.value), value.step) for value in at_once]


def _other_digits(chance: random.Random, digits: str) -> str:
    """A run of other digits; of dates, times and thousands it stays as long as it is."""
    length = len(digits) if len(digits) < 4 else chance.randrange(4, 9)
    return "".join(chance.choice("0123456789") for _ in range(length))


@pytest.mark.parametrize("size", [1, 7, 64])
def test_portions_make_no_difference(size: int) -> None:
    """Bytes may arrive in any pieces."""
    text = "\n".join([line for _, line, _, _ in LINES] + NOTHING + [table for table, _ in TABLES.values()]).encode()
    whole, pieces = Parser("auto"), Parser("auto")
    expected = values_of(whole.feed(text) + whole.finish())
    found = [one for start in range(0, len(text), size) for one in pieces.feed(text[start : start + size])]
    assert repr(values_of(found + pieces.finish())) == repr(expected)


def test_any_bytes_are_read() -> None:
    """No exception, whatever is printed."""
    chance = random.Random(3)
    alphabet = [
        "loss",
        "epoch",
        "=",
        ":",
        " ",
        "  ",
        "\t",
        "|",
        "[",
        "]",
        "(",
        "'",
        "0.5",
        "12",
        "1/5",
        "%",
        "-",
        "nan",
        "\r",
        "\n",
        "é",
        "{",
        "}",
    ]
    for _ in range(300):
        found_in("".join(chance.choice(alphabet) for _ in range(chance.randrange(200))))


@pytest.mark.parametrize(
    "text",
    [
        "=" * 60_000,
        "1 " * 30_000,
        "loss: " * 10_000,
        "[" * 60_000,
        "a " * 30_000 + "1",
        "0/0 " * 15_000,
        "- " * 30_000 + "5",
        "'a': " * 12_000 + "1",
        "\n".join(["a=0.5 " * 10_000] * 4),
    ],
)
def test_odd_lines_are_read_to_their_end(text: str) -> None:
    """What follows them is found."""
    assert found_in(f"{text}\nloss: 0.5\n")[-1][:2] == ("loss", 0.5)


def test_names_that_never_end_take_no_memory() -> None:
    """What is kept of candidates is bounded, however many names and however long lines are printed."""
    parser = Parser("auto")
    tracemalloc.start()
    try:
        parser.feed(b"".join(b"%s%d: 0.5\n" % (b"name" * 20, number) for number in range(3000)))
        before, _ = tracemalloc.get_traced_memory()
        parser.feed(b"".join(b"%s%d: 0.5\n" % (b"name" * 20, number) for number in range(3000, 12_000)))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 1_000_000
