#!/usr/bin/env python3
"""Eight examples against answers found without sgc.

    python3 bench/answers.py BUILD [WORK]

BUILD holds `sgc`; data, executables and runs go to WORK (a temporary folder by default).  Needs
numpy and torch.  Every data set is drawn from a known truth with a fixed seed.  Each side trains
from five seeds; a line says both means and the difference in standard errors of the difference.
"""
import math
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch

SEEDS = range(5)
BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "examples"
WORK = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp()).resolve()
WORK.mkdir(parents=True, exist_ok=True)
torch.set_num_threads(1)


# ---- sgc ------------------------------------------------------------------------------------------

def compile_model(name, **dims):
    out = WORK / name
    sizes = [a for k, v in dims.items() for a in ("--dim", f"{k}={v}")]
    subprocess.run([BUILD / "sgc", EXAMPLES / f"{name}.sg", "-o", out, *sizes], check=True)
    return out


def bind(data):
    words = []
    for key, value in data.items():
        path = WORK / f"{key}-{abs(hash(value.tobytes())) % 10**8}.npy"
        np.save(path, value)
        words.append(f"{key}={path}")
    return words


def train(exe, data, seed, *stages):
    """Each stage is a list of options; it goes on from the parameters of the one before."""
    checkpoint = None
    for number, options in enumerate(stages or [[]]):
        run = WORK / f"run-{exe.name}-{seed}-{number}"
        start = ["--from", checkpoint] if checkpoint else []
        subprocess.run([exe, "train", *bind(data), "--out", run, "--overwrite", "--quiet", "--seed",
                        str(seed), *start, *options], check=True, stdout=subprocess.DEVNULL)
        checkpoint = run / "latest"
    return checkpoint


def evaluate(exe, data, checkpoint, seed=1000):
    out = subprocess.run([exe, "eval", *bind(data), "--from", checkpoint, "--quiet", "--seed", str(seed)],
                         check=True, capture_output=True, text=True).stdout
    return float(out.split("cost", 1)[1].split()[0])


def load(checkpoint):
    from safetensors.numpy import load_file
    return load_file(str(checkpoint))


def sgc_side(name, data, dims=None, stages=()):
    exe = compile_model(name, **(dims or {}))
    checkpoints = [train(exe, data, s, *stages) for s in SEEDS]
    return exe, checkpoints, [evaluate(exe, data, c) for c in checkpoints]


# The train blocks of the examples are made for more rows than these few; an optimum takes more steps.
TO_THE_OPTIMUM = (["--epochs", "600"], ["--epochs", "200", "--lr", "0.001"],
                  ["--epochs", "200", "--lr", "0.0001"])


# ---- report ---------------------------------------------------------------------------------------

def report(name, ours, theirs, how):
    a, b = np.array(ours, float), np.array(theirs, float)
    spread = math.sqrt(a.var(ddof=1) / len(a) + (b.var(ddof=1) / len(b) if len(b) > 1 else 0))
    z = (a.mean() - b.mean()) / spread if spread > 0 else float("nan")
    print(f"| {name:8} | {a.mean():12.5f} | {b.mean():12.5f} | {a.mean() - b.mean():+10.5f} | {z:+6.2f} "
          f"| {how} |", flush=True)


# ---- torch ----------------------------------------------------------------------------------------

def glorot(n, m):
    bound = math.sqrt(6 / (n + m))
    return (torch.rand(n, m) * 2 - 1) * bound


def he(n, m):
    return torch.randn(n, m) * math.sqrt(2 / n)


def dense(n, m, init=glorot):
    return [init(n, m).requires_grad_(), torch.zeros(m, requires_grad=True)]


def affine(layer, v):
    return v @ layer[0] + layer[1]


def fit(parameters, loss, rows, batch, epochs, lr):
    """loss(rows of the batch) is the mean cost per row."""
    optimiser = torch.optim.Adam(parameters, lr=lr)
    for _ in range(epochs):
        order = torch.randperm(rows)
        for first in range(0, rows, batch):
            optimiser.zero_grad()
            loss(order[first:first + batch]).backward()
            optimiser.step()


def bernoulli_nll(logits, x):
    return torch.nn.functional.softplus(logits) - x * logits


def normal_logp(x, mean, sd):
    return -0.5 * ((x - mean) / sd) ** 2 - torch.log(torch.as_tensor(sd)) - 0.5 * math.log(2 * math.pi)


def five(make):
    results = []
    for seed in SEEDS:
        torch.manual_seed(100 + seed)
        results.append(make())
    return results


# ---- the examples ---------------------------------------------------------------------------------

def bandit():
    """Expected reward by arithmetic at the trained logits; the same ascent in numpy beside it."""
    payoff = np.linspace(0, 1, 10).astype(np.float32) ** 2
    exe = compile_model("bandit")
    ours = []
    for s in SEEDS:
        logits = load(train(exe, {"payoff": payoff}, s))["logits"].astype(float)
        p = np.exp(logits - logits.max())
        ours.append(-(p / p.sum()) @ payoff)
    rng, theirs = np.random.default_rng(7), []
    for _ in SEEDS:
        logits = np.zeros(10)
        for _ in range(500):
            p = np.exp(logits - logits.max())
            p /= p.sum()
            a = rng.choice(10, size=2, p=p)
            gain = payoff[a[0]] - payoff[a[1]]  # leave-one-out with two samples
            step = 0.5 * gain * ((np.arange(10) == a[0]).astype(float) - (np.arange(10) == a[1]))
            logits += 0.1 * step
        p = np.exp(logits - logits.max())
        theirs.append(-(p / p.sum()) @ payoff)
    report("bandit", ours, theirs, "arithmetic: the same ascent in numpy")


def ppca():
    """The optimum is that of probabilistic PCA: Tipping & Bishop, 1999, from the eigenvalues."""
    rng = np.random.default_rng(1)
    W = rng.normal(size=(3, 10))
    x = (rng.normal(size=(2000, 3)) @ W + 0.5 * rng.normal(size=(2000, 10))).astype(np.float32)
    _, _, ours = sgc_side("ppca", {"x": x}, stages=TO_THE_OPTIMUM)
    S = x.T.astype(float) @ x / len(x)
    values = np.sort(np.linalg.eigvalsh(S))[::-1]
    noise = values[3:].mean()
    best = 0.5 * (10 * math.log(2 * math.pi) + np.log(values[:3]).sum() + 7 * math.log(noise) + 10)
    report("ppca", ours, [best], "closed form (the optimum)")


def gmm():
    """EM, started from each trained mixture: the optimum of the basin that training chose."""
    rng = np.random.default_rng(2)
    centres = rng.normal(size=(5, 2)) * 4
    c = rng.integers(5, size=2000)
    x = (centres[c] + 0.6 * rng.normal(size=(2000, 2))).astype(np.float32)
    _, checkpoints, ours = sgc_side("gmm", {"x": x}, stages=TO_THE_OPTIMUM)
    theirs = []
    for checkpoint in checkpoints:
        p = load(checkpoint)
        w, m, s = np.exp(p["weight"].astype(float)), p["centre"].astype(float), np.exp(p["spread"].astype(float))
        w /= w.sum()
        for _ in range(500):
            logp = (-0.5 * ((x[:, None] - m) / s) ** 2 - np.log(s) - 0.5 * math.log(2 * math.pi)).sum(-1) + np.log(w)
            top = logp.max(1, keepdims=True)
            total = top[:, 0] + np.log(np.exp(logp - top).sum(1))
            r = np.exp(logp - total[:, None])
            n = r.sum(0)
            w, m = n / n.sum(), (r.T @ x) / n[:, None]
            s = np.sqrt(np.maximum((r.T @ (x.astype(float) ** 2)) / n[:, None] - m ** 2, 1e-12))
        theirs.append(-total.mean())
    report("gmm", ours, theirs, "EM (the optimum of the basin)")


def hmm():
    """The forward recursion in numpy at the trained parameters: the same number."""
    rng = np.random.default_rng(3)
    move = np.array([[.9, .1, 0, 0], [0, .9, .1, 0], [0, 0, .9, .1], [.1, 0, 0, .9]])
    y = np.zeros((400, 50), np.float32)
    for n in range(400):
        state = rng.integers(4)
        for t in range(50):
            y[n, t] = 2 * state - 3 + 0.5 * rng.normal()
            state = rng.choice(4, p=move[state])
    _, checkpoints, ours = sgc_side("hmm", {"y": y})
    theirs = []
    for checkpoint in checkpoints:
        p = {k: v.astype(float) for k, v in load(checkpoint).items() if "/" not in k}
        start = np.exp(p["start"] - np.logaddexp.reduce(p["start"]))
        step = np.exp(p["move"] - np.logaddexp.reduce(p["move"], axis=1)[:, None])
        level, spread = p["level"], np.exp(p["spread"])
        total = 0.0
        for row in y.astype(float):
            density = np.exp(-0.5 * ((row[:, None] - level) / spread) ** 2) / (spread * math.sqrt(2 * math.pi))
            belief = start * density[0]
            for t in range(1, 50):
                total += math.log(belief.sum())
                belief = (belief / belief.sum()) @ step * density[t]
            total += math.log(belief.sum())
        theirs.append(-total / len(y))
    report("hmm", ours, theirs, "numpy forward pass at the same parameters")
    print(f"|          largest relative difference {max(abs(a / b - 1) for a, b in zip(ours, theirs)):.1e} |")


def logistic():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(2000, 30)).astype(np.float32)
    y = (rng.random(2000) < 1 / (1 + np.exp(-x @ rng.normal(size=30)))).astype(np.int32)
    _, _, ours = sgc_side("logistic", {"x": x, "y": y})
    X, Y, N = torch.tensor(x), torch.tensor(y, dtype=torch.float32), 2000

    def one():
        m = torch.zeros(30, requires_grad=True)
        s = torch.full((30,), math.log(0.1), requires_grad=True)

        def loss(rows):
            sd = s.exp()
            w = m + sd * torch.randn(30)
            kl = (math.log(2.5) - s + (sd ** 2 + m ** 2) / (2 * 2.5 ** 2) - 0.5).sum()
            return kl / N + bernoulli_nll(X[rows] @ w, Y[rows]).mean()
        fit([m, s], loss, N, 64, 50, 0.01)
        with torch.no_grad():
            return sum(loss(torch.arange(N)).item() for _ in range(200)) / 200
    report("logistic", ours, five(one), "torch")


def binary_images(rng, rows, pixels):
    """Grey images from a random two-layer network: a known truth of 6 latents."""
    h = np.tanh(rng.normal(size=(rows, 6)) @ rng.normal(size=(6, 24)))
    return (1 / (1 + np.exp(-2 * h @ rng.normal(size=(24, pixels))))).astype(np.float32)


def iwae():
    dims = dict(pixels=64, hidden=32, latent=8)
    x = binary_images(np.random.default_rng(5), 2000, 64)
    _, _, ours = sgc_side("iwae", {"x": x}, dims)
    X = torch.tensor(x)

    def one():
        enc, enc_m, enc_s = dense(64, 32), dense(32, 8), dense(32, 8)
        dec, dec_x = dense(8, 32), dense(32, 64)

        def loss(rows):
            v = X[rows]
            h = torch.tanh(affine(enc, v))
            mu, sigma = affine(enc_m, h), affine(enc_s, h).exp()
            z = mu + sigma * torch.randn(5, *mu.shape)
            w = (normal_logp(z, 0.0, 1.0) - normal_logp(z, mu, sigma)).sum(-1)
            w = w - bernoulli_nll(affine(dec_x, torch.tanh(affine(dec, z))), v).sum(-1)
            return -(torch.logsumexp(w, 0) - math.log(5)).mean()
        fit([p for l in (enc, enc_m, enc_s, dec, dec_x) for p in l], loss, 2000, 50, 10, 1e-3)
        with torch.no_grad():
            return loss(torch.arange(2000)).item()
    report("iwae", ours, five(one), "torch")


def mlp():
    rng = np.random.default_rng(6)
    x = binary_images(rng, 4000, 64)
    teacher = np.tanh((x - 0.5) @ rng.normal(size=(64, 16))) @ rng.normal(size=(16, 10))
    y = (3 * teacher + rng.gumbel(size=teacher.shape)).argmax(1).astype(np.int32)
    _, _, ours = sgc_side("mlp", {"x": x, "y": y}, dict(pixels=64, hidden=64))
    X, Y = torch.tensor(x), torch.tensor(y, dtype=torch.long)

    def one():
        a, b = dense(64, 64, he), dense(64, 10, he)

        def loss(rows):
            return torch.nn.functional.cross_entropy(affine(b, torch.relu(affine(a, X[rows]))), Y[rows])
        fit(a + b, loss, 4000, 128, 5, 1e-3)
        with torch.no_grad():
            return loss(torch.arange(4000)).item()
    report("mlp", ours, five(one), "torch")


def sbn():
    """Score terms written out by hand, with the same baselines; the entropies in closed form."""
    x = binary_images(np.random.default_rng(8), 2000, 64)
    _, _, ours = sgc_side("sbn", {"x": x}, dict(pixels=64, latent=16))
    X = torch.tensor(x)

    def one():
        q1, q2, p1, p0 = dense(64, 16), dense(16, 16), dense(16, 16), dense(16, 64)
        prior = torch.zeros(16, requires_grad=True)
        average = [0.0]

        def parts(rows):
            v = X[rows]
            l1 = affine(q1, v)
            h1 = torch.bernoulli(torch.sigmoid(l1).detach().expand(4, -1, -1))
            l2 = affine(q2, h1)
            h2 = torch.bernoulli(torch.sigmoid(l2).detach())
            s1, s2 = torch.sigmoid(l1), torch.sigmoid(l2)
            entropy1 = (s1 * l1 - torch.nn.functional.softplus(l1)).sum(-1).expand(4, -1)
            above = (s2 * l2 - torch.nn.functional.softplus(l2)).sum(-1) + bernoulli_nll(prior, s2).sum(-1)
            middle = bernoulli_nll(affine(p1, h2), h1).sum(-1)
            below = bernoulli_nll(affine(p0, h1), v).sum(-1)
            logp1, logp2 = -bernoulli_nll(l1, h1).sum(-1), -bernoulli_nll(l2, h2).sum(-1)
            return entropy1, above, middle, below, logp1, logp2

        def loss(rows):
            entropy1, above, middle, below, logp1, logp2 = parts(rows)
            f1 = (above + middle + below).detach()
            gain1 = f1 - (f1.sum(0) - f1) / 3
            f2 = middle.detach()
            gain2 = f2 - average[0]
            average[0] = 0.9 * average[0] + 0.1 * f2.mean().item()
            return (entropy1 + above + middle + below + gain1 * logp1 + gain2 * logp2).mean()
        fit([p for l in (q1, q2, p1, p0) for p in l] + [prior], loss, 2000, 50, 10, 3e-4)
        with torch.no_grad():
            return sum(sum(parts(torch.arange(2000))[:4]).mean().item() for _ in range(5)) / 5
    report("sbn", ours, five(one), "torch")


if __name__ == "__main__":
    chosen = sys.argv[3:] or ["bandit", "ppca", "gmm", "hmm", "logistic", "iwae", "mlp", "sbn"]
    print("| example  |          sgc |       answer | difference |      z | answer by |\n|---|---|---|---|---|---|")
    for example in chosen:
        globals()[example]()
