"""Records a small model, a convolution stem and a transformer block, with torch.profiler on the CPU.

usage: record_demo.py TRACE.json.gz
"""
import os
import sys

# what torch's profiler tells its developers
os.environ.setdefault("KINETO_LOG_LEVEL", "99")
os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile, record_function


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.GELU())
        self.block = nn.TransformerEncoderLayer(32, 4, 128, batch_first=True)
        self.words = nn.Embedding(100, 32)
        self.head = nn.Linear(32, 10)

    def forward(self, images: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        seen = self.stem(images).flatten(2).transpose(1, 2)
        read = self.words(words)
        return self.head(self.block(torch.cat([seen, read], dim=1)).mean(dim=1))


def main(path: str) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = Model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    images, words, labels = torch.randn(4, 3, 32, 32), torch.randint(0, 100, (4, 16)), torch.randint(0, 10, (4,))

    def step() -> None:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images, words), labels)
        loss.backward()
        optimizer.step()

    step()  # the first step allocates and chooses kernels: not recorded
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True, profile_memory=True, with_stack=True) as prof:
        for i in range(3):
            with record_function(f"step {i}"):
                step()
    prof.export_chrome_trace(path)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
