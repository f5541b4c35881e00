"""A tqdm-like bar on stderr and metrics on stdout, as many training scripts print."""

import sys

for step in range(20):
    sys.stderr.write("\r%3d%%|%s| %d/20 [00:00<00:00, 99.00it/s, speed=%.1f]" % (step * 5, "#" * step, step, 10 + step))
    sys.stderr.flush()
    print("step=%d loss=%.3f" % (step, 1 / (step + 1)), flush=True)
sys.stderr.write("\n")
