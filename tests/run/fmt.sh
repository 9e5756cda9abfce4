#!/usr/bin/env bash
# sgc fmt: what it does, that it keeps comments and meaning, and that twice is once.
. "$(dirname "$0")/lib.sh"

printf '%s\r\n' '' '# a comment' 'param   w[ 2,3 ]=glorot( )  # its comment' '' '' '' 'graph g{' 'data x [2]' \
    'plate k=3 {' 'y=x[0]*( w[0 ,k ]+-1 )^2;z=y' '# inside' '}' 'cost sum(z,over=k)+' \
    '  1e-3*sum( w[ 0 ] )' '}   ' '' >messy.sg
cat >want <<'END'
# a comment
param   w[2, 3] = glorot()  # its comment

graph g {
  data x[2]
  plate k = 3 {
    y = x[0] * (w[0, k] + -1)^2; z = y
    # inside
  }
  cost sum(z, over = k) +
    1e-3 * sum(w[0])
}
END
status 1 sgc fmt --check messy.sg
says 'messy.sg is not formatted'
status 0 sgc fmt - <messy.sg
same out want
status 0 sgc fmt messy.sg
silent out
same messy.sg want
status 0 sgc fmt --check messy.sg

# What cannot be parsed stays as it is.
printf 'graph g { cost (1 + 2 }\n' >broken.sg
cp broken.sg before
status 1 sgc fmt broken.sg
says '[SG0004]'
same broken.sg before
status 2 sgc fmt
status 2 sgc fmt --emit=ir messy.sg
says 'sgc fmt takes no --emit'

# The graphs without their places and the labels that are places.
graphs() {
    sgc -w "$1" --stop-after=frontend --emit=ir -o - |
        sed -E 's/ @[0-9]+:[0-9]+\+[0-9]+//g; s/"[^"]*\.sg(:[0-9]+:[0-9]+)?( [^"]*)?"/"\2"/g; s/^model .*//'
}

for model in "$examples"/*.sg "$SGC_SOURCE_DIR"/tests/accept/*.sg "$SGC_SOURCE_DIR"/tests/source/*.sg; do
    # worse first: no indentation, no gaps at brackets
    sed -E 's/^ +//; s/ *([(),]) */\1/g' "$model" >ugly.sg
    cp ugly.sg pretty.sg
    sgc fmt pretty.sg || fail "$model"
    cp pretty.sg once.sg
    status 0 sgc fmt --check pretty.sg
    [ "$(grep -o '#.*' ugly.sg | sed 's/ *$//' | cksum)" = "$(grep -o '#.*' pretty.sg | cksum)" ] ||
        fail "$model: a comment is lost"
    graphs ugly.sg >want
    graphs pretty.sg >got
    same want got
done
for model in "$examples"/*.sg; do
    status 0 sgc fmt --check "$model"
done
