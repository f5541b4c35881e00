"""Pictures and sound as tensors, floats from 0 to 1 and bytes, one at a time and as a batch."""

import torch

import swanlab

torch.manual_seed(0)
swanlab.init(project="pictures")
swanlab.log({"loss": torch.tensor(0.5), "norm": torch.tensor([2.0], requires_grad=True), "half": torch.tensor(0.25).bfloat16()})
swanlab.log({"floats": swanlab.Image(torch.rand(3, 4, 5)), "bytes": swanlab.Image((torch.rand(3, 4, 5) * 255).to(torch.uint8))})
swanlab.log({"batch": [swanlab.Image(picture, caption=str(place)) for place, picture in enumerate(torch.rand(4, 1, 4, 5))]})
swanlab.log({"sound": swanlab.Audio(torch.rand(1, 800) * 2 - 1, sample_rate=8000)})
