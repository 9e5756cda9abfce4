#!/usr/bin/env bash
# Models as libraries: what their headers promise, in C and C++ programs, linked statically and not.
. "$(dirname "$0")/lib.sh"

programs=$SGC_SOURCE_DIR/tests/embed
flags=(-g -Wall -Wextra -Werror -I. -I"$programs")
if [ "${SGC_SANITIZED:-OFF}" = ON ]; then
    flags+=(-fsanitize=address,undefined)
fi
vae=("$examples/vae.sg" --dim hidden=24 --dim latent=4 --dim batch=16)

# library SGC-ARGUMENTS: both libraries, the header and the .pc file, for two tasks a phase.
library() {
    status 0 sgc "$@" --parts 2 --emit=lib,shared,header,pc
}

# program COMPILER LINK NAME MODEL...: compiles and runs a program of tests/embed.
program() {
    local compiler=$1 link=$2 name=$3 model
    local -a libraries=()
    shift 3
    for model in "$@"; do
        case $link in
        static) libraries+=("lib$model.a") ;;
        shared) libraries+=("lib$model.so") ;;
        object) libraries+=("$model.o") ;;
        esac
    done
    case $compiler in
    cc) status 0 cc -std=gnu11 "${flags[@]}" "$programs/$name.c" -o program "${libraries[@]}" -lm -pthread ;;
    c++) status 0 c++ -std=c++11 -x c++ "${flags[@]}" "$programs/$name.c" -x none -o program \
        "${libraries[@]}" -lm -pthread ;;
    esac
    status 0 env LD_LIBRARY_PATH=. ./program
    silent err
}

library "$programs/line.sg"
library "${vae[@]}"
program cc static calls line
program cc shared calls line
silent out
program cc static threads line vae
for link in static shared; do
    # The same numbers, whatever the language and the way to link.
    program cc $link two line vae
    cp out "two.$link"
    program c++ $link two line vae
    same out "two.$link"
done
same two.static two.shared

# A shared library is looked for by the name of its file, whatever that is.
status 0 sgc "$programs/line.sg" --parts 2 --emit=shared -o named.so
status 0 cc -std=gnu11 "${flags[@]}" "$programs/calls.c" -o program named.so -lm -pthread
status 0 env LD_LIBRARY_PATH=. ./program

# An object is the same in one file, and brings its header too, unless -o names the one file that is wanted or
# the object is the code alone, for another machine.
rm line.h vae.h
status 0 sgc "$programs/line.sg" --parts 2 --emit=obj
status 0 sgc "${vae[@]}" --parts 2 --emit=obj
program cc object two line vae
same out two.static
status 0 sgc "$programs/line.sg" --emit=obj --out-dir foreign --target=aarch64-linux-gnu
[ "$(ls foreign)" = line.o ] || fail 'a header without its functions'
mkdir one
status 0 sgc "$programs/line.sg" --emit=obj -o one/line.o
[ "$(ls one)" = line.o ] || fail 'more than the one file'

status 0 sgc -w "$programs/checked.sg" --emit=lib,header
program cc static checked checked

# The allocator of this program and that of AddressSanitizer exclude each other.
if [ "${SGC_SANITIZED:-OFF}" = OFF ]; then
    program cc static memory vae
    program cc shared memory vae
fi

# A header of another build is a message.
mkdir old
mv line.h old
status 0 sgc "$programs/line.sg" --emit=header --dim batch=9
status 0 cc "${flags[@]}" "$programs/calls.c" -o program libline.a -lm -pthread
status 1 ./program
says 'the header is of another build than the library of line'
mv old/line.h .

# Nothing is seen but the model's functions, and nothing is called that prints, ends or signals.
forbidden='exit|_exit|abort|__assert_fail|.*printf|puts|fputs|fputc|putc|fwrite|perror|stdout|stderr'
forbidden+='|signal|sigaction|raise|kill|setenv|omp_.*|openblas_.*|goto_.*|cblas_.*'
for model in line vae; do
    nm --extern-only --defined-only --format=just-symbols "lib$model.a" | grep -v '^$\|:$' >static
    nm --dynamic --defined-only --format=just-symbols "lib$model.so" >shared
    same static shared
    sed -nE "s/^CONTEXT_CALL\(([a-z]+),.*/${model}_\1/p" "$SGC_SOURCE_DIR/runtime/context.def" |
        sort >promised
    same promised shared
    [ "${SGC_SANITIZED:-OFF}" = ON ] || {
        nm --dynamic --undefined-only --format=just-symbols "lib$model.so" | sed 's/@.*//' |
            grep -vx 'snprintf\|vsnprintf\|vasprintf\|__snprintf_chk\|__sprintf_chk' >undefined
        ! grep -xE "$forbidden" undefined || fail "lib$model.so calls these"
    }
done

# Every header is clean C99, C++11, and what clang's strictest says.
for model in "$programs"/*.sg "$examples"/*.sg; do
    name=$(basename "$model" .sg)
    status 0 sgc -w "$model" --emit=header
    printf '#include "%s.h"\nint main(void)\n{\n    %s_config c = %s_CONFIG;\n%s}\n' \
        "$name" "$name" "${name^^}" '    return c.threads != 1;'$'\n' >use.c
    status 0 gcc -std=c99 -pedantic -Wall -Wextra -Werror -c use.c -o use.o
    status 0 g++ -std=c++11 -pedantic -Wall -Wextra -Werror -x c++ -c use.c -o use.o
    status 0 clang-19 -Weverything -Wno-padded -Werror -c use.c -o use.o
    status 0 clang-19 -Weverything -Wno-padded -Werror -x c++ -c use.c -o use.o
    silent err
done
