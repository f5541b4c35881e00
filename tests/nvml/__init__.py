"""GPUs without a GPU: a library of NVIDIA's driver that tests build, and programs that ask it."""
