#!/usr/bin/env python3
"""Milliseconds a training step: certigrad_aevb.sg against a hand-written step on the same OpenBLAS.

    python3 bench/step.py BUILD VAE_C IMAGES [ROUNDS]

BUILD holds `sgc`; VAE_C is the hand-written step (usage: vae THREADS STEPS ob split block:256, built
here with clang); IMAGES an IDX file of 30,000 28x28 images
or more.  A: batch 250, 1000 units, 30
latents.  B: batch 100, 500 units, 20 latents.  The programs run in turn, ROUNDS times each; a figure
is the median.  With torch, its figure stands beside them.  A whole step is timed: rows gathered, cost,
gradient, update.
"""
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

BUILD, VAE_C, IMAGES = (pathlib.Path(p).resolve() for p in sys.argv[1:4])
ROUNDS = int(sys.argv[4]) if len(sys.argv) > 4 else 5
ROWS = 30000  # an epoch, so that the checkpoint at its end does not count for much
EXAMPLE = pathlib.Path(__file__).resolve().parent.parent / "examples" / "certigrad_aevb.sg"
WORK = pathlib.Path(tempfile.mkdtemp())
FLAGS = "-O3 -march=native -fno-math-errno -ffp-contract=fast -mprefer-vector-width=512".split()
SIZES = {"A": dict(batch=250, units=1000, latent=30, steps=20), "B": dict(batch=100, units=500, latent=20, steps=50)}


def build(name, threads):
    s = SIZES[name]
    dims = dict(encoder=s["units"], decoder=s["units"], latent=s["latent"], batch=s["batch"])
    words = [w for k, v in dims.items() for w in ("--dim", f"{k}={v}")]
    subprocess.run([BUILD / "sgc", EXAMPLE, *words, "--parts", str(threads), "-o", WORK / f"{name}{threads}"],
                   check=True)
    subprocess.run(["clang-19", *FLAGS, f"-DBS={s['batch']}", f"-DNZ={s['latent']}", f"-DH={s['units']}",
                    VAE_C, "-o", WORK / f"hand{name}", "-lm", "-lpthread", "-ldl"], check=True)


def openblas():
    """The library that the models are linked with."""
    cache = (BUILD / "CMakeCache.txt").read_text()
    return re.search(r"^OPENBLAS_SERIAL_LIBRARY:\w+=(.*)$", cache, re.M)[1]


def sgc_step(name, threads):
    run = WORK / "run"
    subprocess.run([WORK / f"{name}{threads}", "train", f"x={IMAGES}[0:{ROWS}]", "--epochs", "2", "--threads",
                    str(threads), "--out", run, "--overwrite", "--quiet", "--variance", "0"], check=True)
    last = [json.loads(line) for line in open(run / "metrics.jsonl")][-1]
    return 1e3 * last["seconds"] / (ROWS / SIZES[name]["batch"])


def hand_step(name, threads):
    out = subprocess.run([WORK / f"hand{name}", str(threads), str(SIZES[name]["steps"] * 3), "ob", "split",
                          "block:256"], check=True, capture_output=True, text=True,
                         env=os.environ | {"OBLIB": openblas()}).stdout
    return float(re.search(r"median ([0-9.]+) ms", out)[1])


def torch_step(name, threads):
    """The same model, ADAM and all, in eager mode."""
    import torch
    torch.set_num_threads(threads)
    s, sp = SIZES[name], torch.nn.functional.softplus
    shapes = [(784, s["units"]), (s["units"],) * 2, (s["units"], s["latent"]), (s["units"], s["latent"]),
              (s["latent"], s["units"]), (s["units"],) * 2, (s["units"], 784)]
    w = [(torch.randn(*d) * 0.03).requires_grad_() for d in shapes]
    adam = torch.optim.Adam(w, lr=1e-3, fused=True)
    x, times = torch.rand(s["batch"], 784), []
    for _ in range(s["steps"]):
        start = time.perf_counter()
        adam.zero_grad()
        h = sp(sp(x @ w[0]) @ w[1])
        mu, logs = h @ w[2], 0.5 * (h @ w[3])
        z = mu + logs.exp() * torch.randn_like(mu)
        logits = sp(sp(z @ w[4]) @ w[5]) @ w[6]
        kl = 0.5 * (mu ** 2 + (2 * logs).exp() - 1).sum() - logs.sum()
        ((sp(logits) - x * logits).sum() + kl).div(s["batch"]).backward()
        adam.step()
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


if __name__ == "__main__":
    try:
        import torch
        peers = {"sgc": sgc_step, "hand": hand_step, "torch": torch_step}
    except ImportError:
        peers = {"sgc": sgc_step, "hand": hand_step}
    print("| | threads | " + " | ".join(f"{p}, ms" for p in peers) + " | sgc / hand |")
    print("|---" * (len(peers) + 3) + "|")
    for name in SIZES:
        for threads in (1, 2):
            build(name, threads)
            seen = {p: [] for p in peers}
            for _ in range(ROUNDS):
                for p, step in peers.items():
                    seen[p].append(step(name, threads))
            middle = {p: statistics.median(v) for p, v in seen.items()}
            ratio = statistics.median(a / b for a, b in zip(seen["sgc"], seen["hand"]))
            print(f"| {name} | {threads} | " + " | ".join(f"{middle[p]:.2f}" for p in peers) + f" | {ratio:.3f} |",
                  flush=True)
