#!/usr/bin/env bash
# The installed tree: it works from where it is moved to, in CMake projects and with pkg-config.
. "$(dirname "$0")/lib.sh"

if [ "${SGC_SANITIZED:-OFF}" = ON ]; then
    echo 'the release build is what is installed'
    exit 77
fi

status 0 cmake --install "$SGC_BINARY_DIR" --prefix "$work/first"
mv first 'moved tree'
PATH=$work/moved\ tree/bin:${PATH#"$SGC_BINARY_DIR":}
[ "$(command -v sgc)" = "$work/moved tree/bin/sgc" ] || fail 'another sgc'

cp "$SGC_SOURCE_DIR/tests/embed/line.sg" "$SGC_SOURCE_DIR/tests/embed/"{two.c,check.h} .
status 0 sgc line.sg
status 0 ./line info
says 'fit.W' out

# A CMake project with two models under names of its own, one of them shared.
mkdir project
cat >project/CMakeLists.txt <<'EOF'
cmake_minimum_required(VERSION 3.18)
project(two C)
include("${PREFIX}/share/sgc/sgc.cmake")
sgc_add_library(line ../line.sg)
sgc_add_library(vae ../vae.sg SHARED OPTIONS --dim hidden=24 --dim latent=4 --dim batch=16)
add_executable(two ../two.c)
target_link_libraries(two PRIVATE line vae)
EOF
cp "$examples/vae.sg" .
status 0 cmake -S project -B build -DPREFIX="$work/moved tree"
status 0 cmake --build build
status 0 build/two
grep -q "$work/moved tree/bin/sgc" build/CMakeCache.txt || fail 'the project uses another sgc'

# A model that changed is compiled again, and only that one.
sed -i 's/hyper beta = 0.5/hyper beta = 0.75/' line.sg
status 0 cmake --build build
says 'Model line' out
! grep -q 'Model vae' out || fail 'an unchanged model was compiled'
status 0 cmake --build build
! grep -q 'Model' out || fail 'unchanged models were compiled'

# pkg-config reads the .pc file where it stands.
status 0 sgc line.sg --name fitted --emit=lib,shared,header,pc --out-dir models
export PKG_CONFIG_PATH=$work/models
cat >name.c <<'EOF'
#include <fitted.h>

int main(void)
{
    fitted *m;
    int status = fitted_new(&m, NULL);
    fitted_free(m);
    return status;
}
EOF
# shellcheck disable=SC2046 # words are wanted
status 0 cc name.c -o name $(pkg-config --cflags --libs fitted)
status 0 env LD_LIBRARY_PATH=models ./name
# shellcheck disable=SC2046
status 0 cc name.c -o name $(pkg-config --cflags fitted) \
    "$(pkg-config --variable=pcfiledir fitted)/libfitted.a" -lm -pthread
status 0 ./name

# Without its runtime the compiler says where it looked.
mkdir alone
cp 'moved tree/bin/sgc' alone/
status 1 alone/sgc line.sg
says "lib/sgc/libsgrt.a"
