#!/usr/bin/env bash
# Where the outputs of `run` go: several together in one .npz or .safetensors file, which is read again.
. "$(dirname "$0")/lib.sh"

cat >made.sg <<'END2'
graph made {
  plate n = rows(16) {
    z[2] ~ normal(0, 1)
    k ~ categorical([0.2, 0.3, 0.5])
    output x = z
    output y = k
    output high = z > 0.5
  }
  output shift = 0.25
}
END2
cat >back.sg <<'END2'
graph back {
  plate n = rows(16) {
    data x[2]
    data y int
    data high[2] bool
    output x2 = x
    output y2 = y
    output high2 = high
  }
}
END2
status 0 sgc made.sg -o made
status 0 sgc back.sg -o back
status 0 ./made run --rows 7 --quiet x=x.npy y=y.npy high=high.npy shift=shift.npy

for kind in npz safetensors; do
    status 0 ./made run --rows 7 --quiet --output all.$kind
    status 0 ./made run --rows 7 --quiet x=two.$kind y=two.$kind high=high1.npy
    same high1.npy high.npy
    cp all.$kind first.$kind
    status 0 ./made run --rows 7 --quiet --output all.$kind # made anew: no time is in it
    same all.$kind first.$kind
    status 0 ./back run --data all.$kind --quiet x2=x2.npy y2=y2.npy high2=high2.npy
    same x2.npy x.npy
    same y2.npy y.npy
    same high2.npy high.npy
    status 2 ./back run --data two.$kind
    says 'data high'
done

# Other programs read them too.
for python in python3 /usr/bin/python3; do
    if "$python" -c 'import numpy' 2>/dev/null; then
        "$python" - <<'END2' || fail 'NumPy reads something else'
import zipfile
import numpy as np

z = np.load("all.npz")
assert sorted(z.files) == ["high", "shift", "x", "y"], z.files
for name in z.files:
    alone = np.load(name + ".npy")
    assert alone.dtype == z[name].dtype and np.array_equal(alone, z[name]), name
assert zipfile.ZipFile("all.npz").testzip() is None
END2
        break
    fi
done

# What cannot be meant is refused before anything is computed.
status 2 ./made run --rows 7 --output all.csv
says "the file's name must end in .npz or .safetensors"
status 2 ./made run --rows 7 x=one.npy y=one.npy
says 'y=one.npy: x goes there; only .npz and .safetensors hold several outputs'
[ ! -e one.npy ] || fail 'a file was written'
status 2 ./made run --rows 7 x=x.txt
says '.npz'
status 2 ./back run x=x.npy y=y.npy high=high.npy x2=./x.npy
says 'x2=./x.npy: this is the file of the data x'
