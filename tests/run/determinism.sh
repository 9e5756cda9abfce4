#!/usr/bin/env bash
# The same executable, seed and data give the same bits, whatever the threads and interruptions.
. "$(dirname "$0")/lib.sh"

status 0 digits 450 7 digits.idx
status 0 sgc "$examples/vae.sg" --dim hidden=40 --parts 2 -o vae
train=(./vae train x=digits.idx --seed 3)

status 0 "${train[@]}" --steps 14 --threads 1 --out one
status 0 "${train[@]}" --steps 14 --threads 2 --out two
same one/latest two/latest

# In the middle of an epoch (5 steps each), and again.
status 0 "${train[@]}" --steps 7 --out cut
status 0 "${train[@]}" --steps 9 --resume cut
status 0 "${train[@]}" --steps 14 --resume cut
same one/latest cut/latest

# Another seed is another run.
status 0 ./vae train x=digits.idx --seed 4 --steps 14 --out other
! cmp -s one/latest other/latest || fail 'the seed changed nothing'

# A run is not overwritten.
status 2 "${train[@]}" --steps 1 --out one
says '--resume'
same one/latest two/latest

for threads in 1 2; do
    status 0 ./vae eval x=digits.idx --from one --threads $threads
    cp out "eval.$threads"
    status 0 ./vae run generate --from one --threads $threads image=$threads.npy
done
same eval.1 eval.2
same 1.npy 2.npy
