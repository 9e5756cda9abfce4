#!/usr/bin/env python3
"""Checkpoints between sgc and the safetensors package of Python, both ways.

    bench/checkpoint.py [BUILD]      needs numpy and safetensors; BUILD is the folder of sgc

The arrays that safetensors reads from a checkpoint equal those that the model's executable prints,
a file that safetensors writes is accepted by --from, and training goes on from it.
"""
import csv
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = """
param w[3, 2] = normal(0.5)
param s in positive = ones()
graph fit {
  plate n = rows(8) {
    data x[3]
    z[2] ~ normal(x @ w, s)
    cost sum(square(z - 1)) + square(s)
  }
}
graph show { output w_ = w; output s_ = s }
train fit { optimizer = adam(lr = 0.05)  epochs = 3 }
"""


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def shown(exe, name, source):
    """An output of the graph `show`, through a CSV file."""
    run(exe, "run", "show", "--quiet", "--from", source, f"{name}=out.csv")
    with open("out.csv", newline="") as f:
        return np.array([[float(v) for v in row] for row in csv.reader(f)], dtype=np.float32)


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build").resolve()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        pathlib.Path("m.sg").write_text(MODEL)
        run(str(build / "sgc"), "m.sg")
        run("./m", "train", "x=random:1", "--rows", "40", "--quiet", "--out", "r")

        ours = load_file("r/latest")
        with safe_open("r/latest", "numpy") as f:
            assert f.metadata()["model"] == "m" and f.metadata()["step"] == "15", f.metadata()
        assert set(ours) >= {"w", "s", "optimizer/adam/m/w", "optimizer/adam/v/s"}, sorted(ours)
        assert np.array_equal(ours["w"], shown("./m", "w_", "r").reshape(3, 2))
        assert np.allclose(np.exp(ours["s"]), shown("./m", "s_", "r"), rtol=1e-6)
        print(f"{len(ours)} tensors read by safetensors, equal")

        for dtype in np.float32, np.float64:
            w = np.arange(6, dtype=dtype).reshape(3, 2) / 7
            save_file({"w": w, "s": np.full((), 0.25, dtype)}, "theirs.safetensors")
            assert np.array_equal(w.astype(np.float32), shown("./m", "w_", "theirs.safetensors").reshape(3, 2))
            run("./m", "train", "x=random:1", "--rows", "40", "--quiet", "--from", "theirs.safetensors",
                "--overwrite", "--out", "r2")
        print("a file written by safetensors is accepted by --from, in float32 and float64")


if __name__ == "__main__":
    main()
