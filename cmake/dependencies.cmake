# Everything that is not ours: LLVM 19, serial OpenBLAS, cJSON, zlib, libmd, Check.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)
pkg_check_modules(LIBMD REQUIRED IMPORTED_TARGET libmd) # checksums of data files and of sources
pkg_check_modules(GMP REQUIRED IMPORTED_TARGET gmp) # exact fractions of certificates
pkg_check_modules(CHECK REQUIRED IMPORTED_TARGET check)

# llvm-config rather than LLVM's CMake package, which asks for the development files of every library
# that LLVM itself was built with.
find_program(LLVM_CONFIG NAMES llvm-config-19 REQUIRED)
foreach(what include lib bin)
  execute_process(COMMAND ${LLVM_CONFIG} --${what}dir OUTPUT_VARIABLE LLVM_${what}
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
endforeach()
find_library(LLVM_LIBRARY NAMES LLVM-19 HINTS ${LLVM_lib} REQUIRED)
find_program(LLVM_LINKER NAMES ld.lld PATHS ${LLVM_bin} NO_DEFAULT_PATH)

# Runtime kernels are compiled to LLVM bitcode, which LLVM 19 must be able to read.
find_program(SGC_CLANG NAMES clang-19 REQUIRED)

# The serial OpenBLAS by its own path: the plain name may be a threaded one, whose results depend on
# the number of threads.
find_library(OPENBLAS_SERIAL_LIBRARY NAMES openblas REQUIRED NO_DEFAULT_PATH
  PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-serial)
find_path(OPENBLAS_SERIAL_INCLUDE_DIR NAMES cblas.h REQUIRED NO_DEFAULT_PATH
  PATHS /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-serial)
add_library(openblas_header INTERFACE)
target_include_directories(openblas_header SYSTEM INTERFACE ${OPENBLAS_SERIAL_INCLUDE_DIR})
