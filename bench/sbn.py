#!/usr/bin/env python3
"""Variance times seconds of the estimators of a sigmoid belief network, side by side.

    python3 bench/sbn.py BUILD [ROUNDS] [SAMPLES]

BUILD holds `sgc`.  examples/sbn.sg is compiled once for each estimator, of both layers; all measure the
gradient at the same parameters, after some training, on the same rows of images from a known network.
`variance` is that of the whole gradient, all parameters together; the programs run in turn, ROUNDS times
with SAMPLES draws each, and a figure is the median.  With torch, the same estimators written by hand
stand beside them: local expectation there runs the network again for every turned bit of a layer.
One thread.
"""
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
SAMPLES = int(sys.argv[3]) if len(sys.argv) > 3 else 24
EXAMPLE = pathlib.Path(__file__).resolve().parent.parent / "examples" / "sbn.sg"
WORK = pathlib.Path(tempfile.mkdtemp())
ROWS, BATCH, PIXELS = 500, 50, 784
ESTIMATORS = {
    "leave-one-out, 2 samples": "score(samples = 2, baseline = leave_one_out)",
    "disarm": "disarm",
    "learned baseline": "score(baseline = learned)",
    "relax": "relax",
    "relax, hidden": "relax(hidden = 16)",
    "local expectation": "local_expectation",
}

LEARNED = ("learned baseline", "relax", "relax, hidden")


def images():
    """Grey images of a random two-layer network."""
    rng = np.random.default_rng(8)
    h = np.tanh(rng.normal(size=(ROWS, 6)) @ rng.normal(size=(6, 24)))
    x = 1 / (1 + np.exp(-2 * h @ rng.normal(size=(24, PIXELS))))
    np.save(WORK / "x.npy", x.astype(np.float32))
    return x.astype(np.float32)


def file_of(name):
    return re.sub("[^a-z0-9]+", "-", name)


def compile_as(name, via):
    """False: the compiler has no such estimator."""
    source, exe = WORK / f"{name}.sg", WORK / name
    source.write_text(re.sub(r"via .*", f"via {via}", EXAMPLE.read_text()))
    return subprocess.run([BUILD / "sgc", source, "-o", exe], capture_output=True).returncode == 0


def train():
    """Parameters that all are measured at."""
    subprocess.run([WORK / "disarm", "train", f"x={WORK}/x.npy", "--steps", "300", "--lr", "0.001", "--out",
                    WORK / "run", "--quiet"], check=True, stdout=subprocess.DEVNULL)
    return WORK / "run" / "latest"


def learned(name, checkpoint):
    """A checkpoint with the same parameters, and what the estimator itself learns there."""
    out = WORK / f"{name}.run"
    subprocess.run([WORK / name, "train", f"x={WORK}/x.npy[0:{BATCH}]", "--from", checkpoint, "--steps", "1500",
                    "--lr", "0", "--out", out, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    return out


def measure(name, checkpoint, seed):
    out = subprocess.run([WORK / name, "variance", f"x={WORK}/x.npy[0:{BATCH}]", "--from", checkpoint, "--samples",
                          str(SAMPLES), "--seed", str(seed), "--threads", "1", "--json"],
                         check=True, capture_output=True, text=True).stdout
    r = json.loads(out)
    return r["variance"], r["seconds"]


# ---- torch ----------------------------------------------------------------------------------------

def torch_side(x, checkpoint):
    """name -> a function that returns one gradient, as one vector; {} without torch."""
    try:
        import torch
        from safetensors.torch import load_file
    except ImportError:
        return {}
    torch.set_num_threads(1)
    p = {k: v.clone().requires_grad_() for k, v in load_file(str(checkpoint)).items() if "/" not in k}
    v = torch.tensor(x[:BATCH])
    softplus, sigmoid = torch.nn.functional.softplus, torch.sigmoid

    def affine(layer, a):
        return a @ p[layer + ".W"] + p[layer + ".b"]

    def nll(logits, a):
        return (softplus(logits) - a * logits).sum(-1)

    def above(h1, h2):
        """What h2 is in: the rest of its cost is in closed form, as the compiler has it."""
        return nll(affine("p1", h2), h1)

    def closed(l2):
        s2 = sigmoid(l2)
        return (s2 * l2 - softplus(l2)).sum(-1) + nll(p["prior"], s2)

    def below(h1):
        return nll(affine("p0", h1), v)

    def pair(l, u):
        """Two antithetic draws, and what turns their difference into the slope in l."""
        q = sigmoid(l.detach())
        a, b = (u < q).float(), (u > 1 - q).float()
        return a, b, torch.where(a != b, (2 * a - 1) * torch.maximum(q, 1 - q), 0) / 2

    def copies(l, independent):
        if independent:
            q = sigmoid(l.detach())
            a, b = torch.bernoulli(q), torch.bernoulli(q)
            return a, b, (a - b) / 2
        return pair(l, torch.rand_like(l))

    def compared(independent):
        l1 = affine("q1", v)
        a, b, w1 = copies(l1, independent)
        total, cost = 0, []
        for h1 in (a, b):
            l2 = affine("q2", h1)
            c, d, w2 = copies(l2, independent)
            f = [above(h1, h2) for h2 in (c, d)]
            cost.append((f[0] + f[1]) / 2 + closed(l2) + below(h1) - nll(l1, h1))
            total = total + (cost[-1] + ((f[0] - f[1]).detach()[:, None] * w2 * l2).sum(-1)) / 2
        return total + ((cost[0] - cost[1]).detach()[:, None] * w1 * l1).sum(-1)

    def turned(h):
        """Every copy of h with one bit turned: [bits, rows, bits]."""
        return (h - torch.eye(h.shape[1])[:, None, :]).abs()

    def local():
        l1 = affine("q1", v)
        h1, u2 = torch.bernoulli(sigmoid(l1.detach())), torch.rand(BATCH, p["q2.b"].numel())

        def after(h):
            l2 = affine("q2", h)
            return above(h, (u2 < sigmoid(l2)).float()) + closed(l2) + below(h) - nll(l1, h)
        l2 = affine("q2", h1)
        h2 = (u2 < sigmoid(l2.detach())).float()
        with torch.no_grad():
            f1 = torch.cat([after(t) for t in turned(h1).split(20)]) - after(h1)
            f2 = torch.cat([above(h1, t) for t in turned(h2).split(20)]) - above(h1, h2)
        s1, s2 = sigmoid(l1), sigmoid(l2)
        return (after(h1) + (f1.T * (1 - 2 * h1) * s1).sum(-1) + (f2.T * (1 - 2 * h2) * s2).sum(-1))

    def gradient(f):
        def one():
            for t in p.values():
                t.grad = None
            f().mean().backward()
            return torch.cat([t.grad.flatten() for t in p.values()]).double().numpy()
        return one
    return {"leave-one-out, 2 samples": gradient(lambda: compared(True)), "disarm": gradient(lambda: compared(False)),
            "local expectation": gradient(local)}


def measure_torch(gradient):
    mean = square = 0
    start = time.perf_counter()
    for _ in range(SAMPLES):
        g = gradient()
        mean, square = mean + g / SAMPLES, square + g @ g / SAMPLES
    seconds = (time.perf_counter() - start) / SAMPLES
    return (square - mean @ mean) * SAMPLES / (SAMPLES - 1), seconds, mean


# ---- report ---------------------------------------------------------------------------------------

def main():
    x = images()
    have = [name for name, via in ESTIMATORS.items() if compile_as(file_of(name), via)]
    checkpoint = train()
    by_hand = torch_side(x, checkpoint)
    at = {name: learned(file_of(name), checkpoint) if name in LEARNED else checkpoint for name in have}
    seen = {(who, name): [] for who in ("sgc", "torch") for name in have}
    for seed in range(ROUNDS):
        for name in have:
            seen["sgc", name].append(measure(file_of(name), at[name], seed))
            if name in by_hand:
                seen["torch", name].append(measure_torch(by_hand[name])[:2])
    print("| estimator | | variance | ms a step | variance x seconds |\n| --- | --- | --- | --- | --- |")
    for name in have:
        for who in ("sgc", "torch"):
            if seen[who, name]:
                variance, seconds = (statistics.median(c) for c in zip(*seen[who, name]))
                print(f"| {name} | {who} | {variance:.4g} | {1e3 * seconds:.1f} | {variance * seconds:.4g} |")


main()
