"""Models compiled by sgc, in Python: one file, which needs ctypes and numpy.

    import sgc
    m = sgc.load("./libvae.so", seed=1)     # sgc vae.sg --emit=shared
    cost = m.train(x)                       # one step; x is an array [rows, 784]
    cost = m.grad(x); m.g["enc.W"]          # the gradient alone
    m.p["enc.W"] -= 0.1 * m.g["enc.W"]      # parameters and gradients are views
    image = m.run("generate")["image"]
    m.save("vae.safetensors")

It reads what it needs to know from the library's manifest, so it works for every model.  What the
model's header says holds here too: one thread at a time uses a Model, different ones share nothing.
Whatever fails raises sgc.Error.
"""

import ctypes
import json
import math
import os
import re
from collections.abc import Mapping

import numpy as np

__all__ = ["load", "Model", "Error"]

_CTYPE = {"uint64_t": ctypes.c_uint64, "int64_t": ctypes.c_int64, "double": ctypes.c_double,
          "pointer": ctypes.c_void_p}


class Error(Exception):
    """A call that failed; .code is the number that the model's header gives it."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def load(path, name=None, **settings):
    """The model in a shared library.

    `name` is the model's, where the file is not called libNAME.so.  The settings are those of the
    header's config (threads, seed, total_rows, optimizer, lr) and the model's hypers.
    """
    return Model(path, name, **settings)


class Model:
    def __init__(self, path, name=None, **settings):
        self._m = ctypes.c_void_p()
        stem = re.fullmatch(r"lib(.*)\.so", os.path.basename(path))
        self.name = name or (stem and stem.group(1))
        if not self.name:
            raise Error(1, f"{path}: is not called libNAME.so: say name=")
        self._library = ctypes.CDLL(os.path.abspath(path))
        try:
            text = self._function("manifest", ctypes.c_char_p)()
        except AttributeError:
            raise Error(1, f"{path}: has no model {self.name}: say name=") from None
        self.manifest = json.loads(text)
        self.costs = {}  # of the last call, by label
        self._graph = {g["name"]: i for i, g in enumerate(self.manifest["graphs"])}
        self._param = {p["name"]: i for i, p in enumerate(self.manifest["params"])}
        self._hyper = {h["name"]: i for i, h in enumerate(self.manifest["hypers"])}
        trains = self.manifest["trains"]
        self._default = trains[0]["graph"] if trains else None
        self._call_type = self._struct("call", [])
        config = self._config(settings)
        new = self._function("new", ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
        self._check(new(ctypes.byref(self._m), ctypes.byref(config)))
        self.p = Views(self, self._parameter)  # the stored tensors, by path
        self.g = self.gradient()  # of the default graph

    def close(self):
        """Returns the memory; views of parameters are then no longer valid."""
        if self._m:
            self._function("free", None, ctypes.c_void_p)(self._m)
            self._m = ctypes.c_void_p()

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()

    def __del__(self):
        if getattr(self, "_m", None):
            self.close()

    # ---- calls of graphs ----

    def train(self, *data, graph=None, **call):
        """One step: estimates the gradient and updates the parameters.  The cost, before it."""
        return self._cost("train", data, graph, call)

    def grad(self, *data, graph=None, **call):
        """The cost; its gradient is then in .g, or in .gradient(graph)."""
        return self._cost("grad", data, graph, call)

    def eval(self, *data, graph=None, **call):
        """The cost."""
        return self._cost("eval", data, graph, call)

    def run(self, graph=None, *data, **call):
        """The outputs of a graph, by name."""
        g = self._find_graph(graph)
        arrays, rows = self._data(g, data, call)
        out = {o["name"]: np.empty(([rows] if o["by_rows"] else []) + o["shape"], o["dtype"])
               for o in g["outputs"]}
        self._call("run", g, arrays, rows, call, output=_pointers(out.values()))
        return out

    def update(self, graph=None):
        """One step of the optimizer along the gradient of the last grad()."""
        g = self._find_graph(graph)
        update = self._function("update", ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
        self._check(update(self._m, self._graph[g["name"]]))

    def noise(self, seed, draw=0):
        """The noise of the next calls."""
        noise = self._function("noise", ctypes.c_int, ctypes.c_void_p, ctypes.c_int64,
                               ctypes.c_int64)
        self._check(noise(self._m, seed, draw))

    # ---- parameters and settings ----

    def gradient(self, graph=None):
        """Views of a graph's last gradient, by path."""
        graph = graph or self._default or next(iter(self._graph), None)
        return Views(self, lambda i: self._gradient(self._graph[graph], i))

    def get(self, name):
        """A parameter's value inside its constraint."""
        value = self._like(name)
        get = self._function("get", ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
        self._check(get(self._m, self._index(self._param, name, "parameter"), value.ctypes.data))
        return value

    def set(self, name, value):
        """Sets a parameter to a value inside its constraint."""
        made = self._like(name)
        made[...] = np.broadcast_to(value, made.shape)
        set_ = self._function("set", ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
        self._check(set_(self._m, self._param[name], made.ctypes.data))

    def hyper(self, name, value):
        hyper = self._function("hyper", ctypes.c_int, ctypes.c_void_p, ctypes.c_int,
                               ctypes.c_double)
        self._check(hyper(self._m, self._index(self._hyper, name, "hyper"), value))

    def optimizer(self, **settings):
        """lr, momentum, beta1, beta2, eps, weight_decay, clip."""
        optimizer = self._function("optimizer", ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p,
                                   ctypes.c_double)
        for name, value in settings.items():
            self._check(optimizer(self._m, name.encode(), value))

    def updates(self, graph=None):
        """The steps that were applied."""
        updates = self._function("updates", ctypes.c_int64, ctypes.c_void_p, ctypes.c_int)
        return updates(self._m, self._graph[self._find_graph(graph)["name"]])

    def norm(self, graph=None):
        """Of the graph's last gradient, over all parameters."""
        norm = self._function("norm", ctypes.c_double, ctypes.c_void_p, ctypes.c_int)
        return norm(self._m, self._graph[self._find_graph(graph)["name"]])

    # ---- checkpoints ----

    @property
    def note(self):
        """A text that checkpoints hold: what was set last, or came with the last one read."""
        noted = self._function("noted", ctypes.c_char_p, ctypes.c_void_p)
        return noted(self._m).decode()

    @note.setter
    def note(self, text):
        note = self._function("note", ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)
        self._check(note(self._m, text.encode()))

    def save(self, path, graph=None):
        """Writes a checkpoint: parameters, and the training of the graph if one is named."""
        self._file("save", path, graph)

    def load(self, path, graph=None):
        """Reads what save() or the model's executable wrote."""
        self._file("load", path, graph)

    def pack(self, graph=None):
        """A checkpoint in memory."""
        pack = self._function("pack", ctypes.c_int64, ctypes.c_void_p, ctypes.c_int,
                              ctypes.c_void_p, ctypes.c_int64)
        number = self._graph_number(graph)
        count = pack(self._m, number, None, 0)
        if count < 0:
            raise Error(1, self._error())
        out = ctypes.create_string_buffer(count)
        pack(self._m, number, out, count)
        return out.raw

    def unpack(self, checkpoint, graph=None):
        unpack = self._function("unpack", ctypes.c_int, ctypes.c_void_p, ctypes.c_int,
                                ctypes.c_char_p, ctypes.c_int64)
        self._check(unpack(self._m, self._graph_number(graph), checkpoint, len(checkpoint)))

    # ---- inside ----

    def _function(self, name, result, *arguments):
        function = getattr(self._library, f"{self.name}_{name}")
        function.restype, function.argtypes = result, arguments
        return function

    def _error(self):
        error = self._function("error", ctypes.c_char_p, ctypes.c_void_p)
        return error(self._m).decode(errors="replace")

    def _check(self, code):
        if code:
            raise Error(code, self._error())

    def _struct(self, key, more):
        fields = [(f["name"], _CTYPE[f["type"]]) for f in self.manifest[key]]
        fields += [(name, ctypes.c_double) for name in more]
        return type(key, (ctypes.Structure,), {"_fields_": fields})

    def _config(self, settings):
        hypers = self.manifest["hypers"]
        config = self._struct("config", [h["field"] for h in hypers])()
        config.abi, config.threads, config.lr = int(self.manifest["abi"], 16), 1, -1
        for h in hypers:
            setattr(config, h["field"], settings.pop(h["name"], h["default"]))
        for name in ("threads", "seed", "total_rows", "lr"):
            if settings.get(name) is not None:
                setattr(config, name, settings[name])
            settings.pop(name, None)
        if settings.get("optimizer"):
            self._optimizer_name = ctypes.c_char_p(settings["optimizer"].encode())
            config.optimizer = ctypes.cast(self._optimizer_name, ctypes.c_void_p)
        settings.pop("optimizer", None)
        if settings:
            raise Error(1, f"{self.name} has no setting or hyper {', '.join(settings)}")
        return config

    def _find_graph(self, name):
        name = name or self._default
        if name not in self._graph:
            raise Error(1, f"{self.name} has no graph {name}: it has {', '.join(self._graph)}")
        return self.manifest["graphs"][self._graph[name]]

    def _graph_number(self, name):
        return -1 if name is None else self._graph[self._find_graph(name)["name"]]

    def _index(self, among, name, what):
        if name not in among:
            raise Error(1, f"{self.name} has no {what} {name}")
        return among[name]

    def _like(self, name):
        p = self.manifest["params"][self._index(self._param, name, "parameter")]
        return np.empty(p["shape"], p["dtype"])

    def _data(self, g, given, call):
        """The arrays of a call, as the library wants them, and their rows."""
        names = [d["name"] for d in g["data"]]
        if len(given) > len(names):
            raise Error(1, f"graph {g['name']} takes {len(names)} arrays: {', '.join(names)}")
        given = dict(zip(names, given))
        given.update((n, call.pop(n)) for n in names if n in call)
        missing = [n for n in names if n not in given]
        if missing:
            raise Error(1, f"graph {g['name']} needs {', '.join(missing)}")
        arrays = [_array(d, given[d["name"]]) for d in g["data"]]
        counts = {len(a) for a, d in zip(arrays, g["data"]) if d["by_rows"]}
        if len(counts) > 1:
            raise Error(1, f"data of graph {g['name']} have {sorted(counts)} rows")
        return arrays, call.pop("rows", counts.pop() if counts else max(g["rows"], 1))

    def _cost(self, verb, data, graph, call):
        g = self._find_graph(graph)
        cost = np.zeros(1 + len(g["costs"]))
        arrays, rows = self._data(g, data, call)
        self._call(verb, g, arrays, rows, call, cost=cost.ctypes.data)
        self.costs = dict(zip(g["costs"], cost[1:].tolist()))
        return float(cost[0])

    def _call(self, verb, g, arrays, rows, call, output=None, cost=None):
        entry = "step" if verb in ("train", "grad") else verb
        made = self._call_type(rows=rows, output=_address(output), cost=cost)
        data = _pointers(arrays)
        made.data = _address(data)
        noise = call.pop("noise", None)
        if noise is not None:
            held = [self._noise_array(d, noise, rows) for d in g[entry]["draws"]]
            pointers = _pointers(held)
            made.noise = _address(pointers)
        row = call.pop("row", None)
        if row is not None:
            row = np.ascontiguousarray(row, np.int64)
            if row.shape != (rows,):
                raise Error(1, f"row has shape {row.shape}, and there are {rows} rows")
            made.row = row.ctypes.data
        for name in ("total_rows", "first_row", "trusted"):
            setattr(made, name, call.pop(name, 0))
        if call:
            raise Error(1, f"graph {g['name']} has no {', '.join(call)}")
        function = self._function(verb, ctypes.c_int, ctypes.c_void_p, ctypes.c_int,
                                  ctypes.c_void_p)
        self._check(function(self._m, self._graph[g["name"]], ctypes.byref(made)))

    def _noise_array(self, draw, noise, rows):
        size = draw["size"] * (rows if draw["by_rows"] else 1)
        if draw["name"] not in noise:
            raise Error(1, f"no noise for the draw {draw['name']}")
        made = np.ascontiguousarray(noise[draw["name"]], self.manifest["real"])
        if made.size != size:
            raise Error(1, f"noise of {draw['name']}: {made.size} values, and {size} are needed")
        return made

    def _view(self, address, i):
        if not address:
            return None
        p = self.manifest["params"][i]
        size = math.prod(p["shape"])
        buffer = (ctypes.c_char * (size * np.dtype(p["dtype"]).itemsize)).from_address(address)
        buffer.model = self  # which lives as long as the view
        return np.frombuffer(buffer, p["dtype"]).reshape(p["shape"])

    def _parameter(self, i):
        p = self._function("p", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
        return self._view(p(self._m, i), i)

    def _gradient(self, graph, i):
        g = self._function("g", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int)
        view = self._view(g(self._m, graph, i), i)
        if view is not None:
            view.flags.writeable = False
        return view

    def _file(self, verb, path, graph):
        function = self._function(verb, ctypes.c_int, ctypes.c_void_p, ctypes.c_int,
                                  ctypes.c_char_p)
        self._check(function(self._m, self._graph_number(graph), os.fsencode(path)))


class Views(Mapping):
    """Tensors by the paths of parameters; those that are not there are left out."""

    def __init__(self, model, view):
        self._model, self._make = model, view

    def __getitem__(self, name):
        view = self._make(self._model._param[name])
        if view is None:
            raise KeyError(name)
        return view

    def __setitem__(self, name, value):
        self[name][...] = value

    def __iter__(self):
        return (n for n, i in self._model._param.items() if self._make(i) is not None)

    def __len__(self):
        return sum(1 for _ in self)


def _array(d, value):
    """An array of a data name's type; only what loses nothing, and trailing axes may be flattened."""
    value = np.asarray(value)
    dtype = np.dtype(d["dtype"])
    rows = list(value.shape[:1]) if d["by_rows"] else []
    if d["by_rows"] and not value.ndim:
        raise Error(1, f"data {d['name']} needs an axis of rows")
    if value.size != math.prod(rows + d["shape"]):
        want = ["rows"] * d["by_rows"] + d["shape"]
        raise Error(1, f"data {d['name']} is {_shape(want)}, not {_shape(value.shape)}")
    made = np.ascontiguousarray(value, dtype).reshape(rows + d["shape"])
    if dtype.kind != "f" and not np.array_equal(made.ravel(), value.ravel()):
        raise Error(1, f"data {d['name']} is {d['dtype']}, and not all values are")
    bounds = re.fullmatch(r"\[(.*), (.*)\]", d.get("in", ""))
    if bounds and made.size and not (float(bounds[1]) <= made.min() <= made.max()
                                     <= float(bounds[2])):
        raise Error(1, f"data {d['name']}: values from {made.min():g} to {made.max():g} are not in "
                       f"{d['in']}")
    return made


def _shape(shape):
    return "[" + ", ".join(map(str, shape)) + "]"


def _pointers(arrays):
    arrays = list(arrays)
    return (ctypes.c_void_p * max(len(arrays), 1))(*(a.ctypes.data for a in arrays))


def _address(pointers):
    return None if pointers is None else ctypes.addressof(pointers)
