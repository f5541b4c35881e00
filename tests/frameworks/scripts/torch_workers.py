"""Workers of a DataLoader log what they load, started by each of the methods, once kept and once made anew each epoch."""

import torch

import swanlab


class Squares(torch.utils.data.Dataset):
    def __init__(self, key):
        self.key = key

    def __len__(self):
        return 12

    def __getitem__(self, index):
        swanlab.log({self.key: index * index}, step=index)
        return index


if __name__ == "__main__":
    swanlab.init(project="workers")
    for method in ("fork", "spawn", "forkserver"):
        squares = Squares("loaded/" + method)
        loader = torch.utils.data.DataLoader(squares, batch_size=3, num_workers=2, multiprocessing_context=method)
        for step, batch in enumerate(loader):
            swanlab.log({"sum/" + method: batch.sum()}, step=step)
