"""python/sgc.py on two models, against numpy: tests/run/python.sh."""
import gc
import glob
import json
import struct
import sys

import numpy as np

import sgc

x = np.array([[1, 0, 2], [-1, 3, 0.5], [0, 0, 1], [2, 2, -2]])
y = np.array([[1, -1], [0, 2], [3, 0.5], [-2, 1]])


def refuses(words, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except sgc.Error as e:
        assert words in str(e), f"'{words}' is not in: {e}"
        return e.code
    raise AssertionError(f"accepted, and '{words}' was expected")


def gradient_is_numpys():
    m = sgc.load("./libline.so", seed=3, beta=1.5, optimizer="sgd", lr=0.125)
    W, b = m.p["fit.W"], m.p["fit.b"]
    d = x @ W + b - y
    cost = m.grad(x, y)
    assert np.isclose(cost, 1.5 * (d * d).sum() / 4 + 0.125)
    assert np.isclose(sum(m.costs.values()), cost) and list(m.costs) == ["line.sg:19:5", "line.sg:20:5"]
    want = 3 * x.T @ d / 4
    assert np.allclose(m.g["fit.W"], want) and m.g["fit.W"].shape == (3, 2)
    assert "w" not in m.g and "w" in m.gradient("noisy") and len(m.g) == 3
    assert np.isclose(m.norm(), np.sqrt(sum((g * g).sum() for g in m.g.values())))
    before, start = W.copy(), m.pack()
    m.update()
    assert np.allclose(W, before - 0.125 * want)  # W is the parameter, not a copy
    W[:] = 0
    assert not m.p["fit.W"].any() and m.updates() == 1
    m.p["fit.W"] = before
    assert np.array_equal(W, before)
    m.unpack(start)
    assert np.allclose(m.train(x=x, y=y), cost) and m.updates() == 2


def constraints_hold():
    m = sgc.load("./libline.so")
    assert np.isclose(m.get("scale"), 2) and np.isclose(m.p["scale"], np.log(2))
    m.set("scale", 5)
    assert np.isclose(m.p["scale"], np.log(5))
    refuses("positive", m.set, "scale", -1)
    refuses("no parameter fit.Q", m.get, "fit.Q")


def noise_is_given_or_drawn():
    m = sgc.load("./libline.so")
    z = np.array([-1, 0, 0.5, 2])
    want = 0.75 * np.logaddexp(0, 0.25 + z).sum()
    assert np.isclose(m.eval(graph="noisy", noise={"z": z}), want)
    refuses("no noise for the draw z", m.eval, graph="noisy", noise={})
    refuses("4 are needed", m.eval, graph="noisy", noise={"z": z[1:]})
    m.noise(0)
    first, second = m.eval(graph="noisy"), m.eval(graph="noisy")
    m.noise(0)
    assert first != second and m.eval(graph="noisy") == first


def outputs_are_arrays():
    m = sgc.load("./libline.so")
    out = m.run("predict", x)["double"]
    assert out.shape == (4, 2) and np.allclose(out, x @ m.p["fit.W"] + m.p["fit.b"], atol=1e-6)
    assert m.run("pick", k=1)["picked"] == 0.75
    assert refuses("index 4 out of range [0, 4)", m.run, "pick", k=4) > 1
    refuses("int32, and not all values are", m.run, "pick", k=0.5)


def wrong_calls_are_errors():
    m = sgc.load("./libline.so")
    refuses("needs y", m.train, x)
    refuses("is [rows, 3], not [4, 2]", m.train, y, y)
    refuses("rows", m.train, x, y[1:])
    refuses("no graph fit", m.train, x, y, graph="fit")
    refuses("has no speed", m.train, x, y, speed=1)
    refuses("takes from 1 to 8", m.train, np.zeros((9, 3)), np.zeros((9, 2)))
    refuses("no hyper gamma", m.hyper, "gamma", 1)
    refuses("no setting or hyper gamma", sgc.load, "./libline.so", gamma=1)
    refuses("did you mean adam", sgc.load, "./libline.so", optimizer="adan")
    refuses("has no model other", sgc.load, "./libline.so", name="other")
    refuses("say name=", sgc.load, "./line.json")


def checkpoints_go_on():
    whole, first, second = (sgc.load("./libline.so") for _ in range(3))
    for _ in range(4):
        whole.train(x, y)
    for _ in range(2):
        first.train(x, y)
    first.note = "half way \u00bd"
    second.unpack(first.pack("square"), "square")
    assert second.note == first.note and whole.note == ""
    first.save("line.safetensors")
    for _ in range(2):
        second.train(x, y)
    assert all(np.array_equal(whole.p[n], second.p[n]) for n in whole.p)
    whole.load("line.safetensors")
    assert all(np.array_equal(whole.p[n], first.p[n]) for n in whole.p)
    with open("line.safetensors", "rb") as f:
        head = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    begin, end = head["fit.W"]["data_offsets"]
    stored = np.frombuffer(data[begin:end], "<f4").reshape(head["fit.W"]["shape"])
    assert np.array_equal(stored, first.p["fit.W"])
    refuses("no such: No such file", first.load, "no such")


def two_models_share_nothing():
    image = np.tile([0.0, 1.0], (16, 392))
    with sgc.load("./libvae.so", seed=1, threads=2) as m:
        costs = [m.train(image) for _ in range(20)]
        again = sgc.load("./libvae.so", seed=1)
        assert [again.train(image) for _ in range(20)] == costs and costs[-1] < costs[0]
        assert again.run("generate")["image"].shape == (64, 28, 28)
        refuses("not in [0, 1]", m.train, image * 255)
        assert m.train(image.reshape(16, 28, 28).astype("u1")) < costs[0]
    w = sgc.load("./libline.so").p["fit.W"]  # the view keeps its model
    gc.collect()
    w += 1
    refuses("no gradient", sgc.load("./libline.so").update)


def every_model_answers():
    rng = np.random.default_rng(0)
    for path in glob.glob("every/*.so"):
        m = sgc.load(path, seed=1)
        for g in m.manifest["graphs"]:
            rows = min(g["rows"], 5) or 1
            data = {}
            for d in g["data"]:
                shape = [rows] * d["by_rows"] + d["shape"]
                real = d["dtype"] == "float32"
                data[d["name"]] = rng.random(shape) if real else rng.integers(0, 2, shape)
            if g["step"]:
                before = {n: v.copy() for n, v in m.p.items()}
                assert np.isfinite(m.train(graph=g["name"], **data))
                moved = [n for n in m.p if not np.array_equal(m.p[n], before[n])]
                assert moved and set(moved) <= set(m.gradient(g["name"]))
                assert np.isfinite(m.eval(graph=g["name"], **data))
            if g["run"]:
                out = m.run(g["name"], **data)
                assert all(np.isfinite(v).all() for v in out.values())


for test in (gradient_is_numpys, constraints_hold, noise_is_given_or_drawn, outputs_are_arrays,
             wrong_calls_are_errors, checkpoints_go_on, two_models_share_nothing,
             every_model_answers):
    test()
print(sys.version.split()[0], np.__version__)
